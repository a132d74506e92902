// Copy the address. Browsers give their clipboard to pages over https or of this machine only; the old way works
// everywhere else.

export default function ({ parentElement }) {
  const status = parentElement.querySelector("span");
  parentElement.querySelector("button").onclick = async () => {
    const done = (await modern(location.href)) || old(location.href);
    status.textContent = done ? "Copied." : "Copy the address from the top of the browser.";
  };
}

async function modern(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function old(text) {
  const field = document.body.appendChild(document.createElement("textarea"));
  field.value = text;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
