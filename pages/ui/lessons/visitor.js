// Who this is: a random id that stays in the browser, so that a reload finds the answers again. Nothing else is kept.

const KEY = "ddlab visitor";

export default function ({ data, setStateValue }) {
  let id = data.id;
  try {
    id = localStorage.getItem(KEY) || id;
    localStorage.setItem(KEY, id);
  } catch {
    // a browser that keeps nothing: the answers last as long as the page
  }
  if (id !== data.id) setStateValue("id", id);
}
