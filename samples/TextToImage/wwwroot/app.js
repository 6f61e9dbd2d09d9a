const $ = (id) => document.getElementById(id);
let source = null;

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  draw(new FormData($("form")));
});
$("stop").addEventListener("click", () => finish("Stopped."));

function draw(form) {
  source?.close();
  const prompt = form.get("prompt");
  const count = Number(form.get("count"));
  begin(count);
  // What is left empty is left out: the app then chooses.
  const query = new URLSearchParams([...form].filter(([name, value]) => name === "prompt" || value !== ""));
  const started = performance.now();
  source = new EventSource(`pictures?${query}`);

  on("progress", ({ done, all }) => {
    if (done === 1) {
      say(`Drawing ${pictures(count)}…`);
    }
    $("progress").max = all;
    $("progress").value = done;
    $("step").textContent = `step ${done} of ${all}`;
  });
  on("warning", ({ code, message }) => {
    const item = document.createElement("li");
    item.textContent = `${message} (${code})`;
    $("warnings").append(item);
  });
  on("pictures", (drawn) => {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    finish(`${pictures(count)} in ${seconds} s, seed ${drawn.seed}.`);
    $("pictures").replaceChildren(...drawn.pictures.map((uri, i) => figure(uri, `${prompt} (${i + 1} of ${count})`, i)));
  });
  on("failed", ({ code, message }) => fail(code ? `${message} (${code})` : message));
  // A browser would connect again by itself, and so draw again.
  source.onerror = () => fail("The connection to the app is lost; what went wrong stands in its log.");
}

function on(type, handle) {
  const own = source;
  own.addEventListener(type, (event) => {
    // What is still on its way when another prompt has begun.
    if (own === source) {
      handle(JSON.parse(event.data));
    }
  });
}

function begin(count) {
  $("fault").textContent = "";
  $("warnings").replaceChildren();
  $("pictures").replaceChildren(...Array.from({ length: count }, placeholder));
  $("progress").removeAttribute("value");
  $("step").textContent = "";
  $("work").hidden = false;
  $("stop").disabled = false;
  say("Waiting for the model…");
}

function finish(status) {
  source?.close();
  source = null;
  $("work").hidden = true;
  $("stop").disabled = true;
  for (const empty of document.querySelectorAll(".empty")) {
    empty.remove();
  }
  say(status);
}

function fail(message) {
  finish("");
  $("fault").textContent = message;
}

function say(status) {
  $("status").textContent = status;
}

function placeholder() {
  const box = document.createElement("div");
  box.className = "empty";
  return box;
}

function figure(uri, text, index) {
  const link = document.createElement("a");
  link.href = uri;
  link.download = `picture-${index + 1}.png`;
  link.title = "Save";
  const image = document.createElement("img");
  image.src = uri;
  image.alt = text;
  link.append(image);
  return link;
}

function pictures(count) {
  return count === 1 ? "1 picture" : `${count} pictures`;
}
