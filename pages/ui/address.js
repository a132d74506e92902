// Complete the address by what the page shows, without an entry of its own in the browser's history.

export default function ({ data }) {
  if (window.ddlabRun === data.run || location.pathname.split("/").pop() !== data.page) return;
  window.ddlabRun = data.run;
  const address = new URL(location.href);
  const asks = address.searchParams;
  // Where the address is neither as we left it nor as the server knows it, the back button was faster than the server.
  const isAsked = Object.entries(data.asked).every(([name, text]) => asks.get(name) === text);
  if (!isAsked && location.href !== window.ddlabAddress) return;
  Object.entries(data.shown).forEach(([name, text]) => asks.set(name, text));
  if (address.href !== location.href) history.replaceState(history.state, "", address);
  window.ddlabAddress = location.href;
}
