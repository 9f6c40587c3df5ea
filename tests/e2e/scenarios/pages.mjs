// The pages in the real Worker, as a browser without scripts sees them: through the edge, with cookies and files of their own.
import { test } from "node:test";
import assert from "node:assert/strict";

const owner = { email: "ada@pages.example", name: "Ada", password: "correct horse battery" };

/** A browser over plain http: it keeps cookies and fills in the first form with an action. */
export class Browser {
  cookies = new Map();

  constructor(url) {
    this.url = url;
  }

  async ask(path, options = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...options.headers, ...(cookie && { cookie }) };
    const response = await fetch(this.url + path, { ...options, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (/Max-Age=0/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await response.text();
    const to = response.headers.get("location");
    return response.status === 303 ? this.ask(to) : { status: response.status, path, text, headers: response.headers };
  }

  async submit(page, action, values) {
    const form = page.text.split("<form").find((part) => part.includes(`action="${action}"`));
    assert.ok(form, `${page.path} has no form for ${action}`);
    const fields = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
    const body = new URLSearchParams([...fields, ...Object.entries(values)]);
    return this.ask(action, { method: "POST", body, headers: { origin: this.url } });
  }
}

export default function pages(world) {
  const { url } = world.registry;

  test("the first owner begins by the link, once, and signs in afterwards", async () => {
    const browser = new Browser(url);
    let page = await browser.ask("/ui/first-start");
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-security-policy"), /^default-src 'none'/);
    const [, secret] = world.registry.output.match(/\/ui\/first-start#(\S+)/);
    page = await browser.submit(page, "/ui/first-start", { ...owner, secret });
    assert.equal(page.status, 200, page.text);
    assert.match((await new Browser(url).ask("/ui/first-start")).text, /good no more/);

    const again = new Browser(url);
    page = await again.ask("/");
    assert.match(page.path, /^\/ui\/sign-in/);
    const wrong = await again.submit(page, "/ui/sign-in", { email: owner.email, password: "not the password" });
    assert.equal(wrong.status, 422);
    const started = performance.now();
    page = await again.submit(wrong, "/ui/sign-in", { email: owner.email, password: owner.password });
    console.log(`# signing in took ${Math.round(performance.now() - started)} ms`);
    assert.equal(page.status, 200, page.text);
    page = await again.ask("/ui/account");
    assert.match(page.text, /ada@pages\.example/);
    page = await again.submit(page, "/ui/sign-out", {});
    assert.match((await again.ask("/ui/account")).path, /^\/ui\/sign-in/);
  });

  test("the style sheet and the script are there under their names, for ever", async () => {
    const { text } = await new Browser(url).ask("/ui/sign-in");
    const files = [...text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, file]) => file);
    const names = files.map((file) => file.replace(/^\/assets\/(.*)\.[0-9a-f]+\./, "$1."));
    assert.deepEqual(names, ["style.css", "app.js", "passkeys.js"]);
    for (const file of files) {
      const response = await fetch(url + file);
      assert.equal(response.status, 200, file);
      assert.equal(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
      assert.ok((await response.text()).length > 500);
    }
    const missing = await fetch(`${url}/assets/style.00000000.css`);
    assert.equal(missing.status, 404);
    await missing.text();
  });

  test("what is not there is a page", async () => {
    const page = await new Browser(url).ask("/ui/a/b/c");
    assert.equal(page.status, 404);
    assert.match(page.text, /<h1>There is nothing here<\/h1>/);
  });
}
