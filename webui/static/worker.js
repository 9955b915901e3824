// The service worker: parts of the pages from the device, pages from the network alone. Without a network a page that says so, and
// nothing of anybody's matters, is shown.
"use strict";
const SHELL = "shell-2",
  OFFLINE = "{{OFFLINE}}",
  STATIC = "{{STATIC}}";

addEventListener("install", (event) => {
  // without the login: it is the same page for everybody
  const page = fetch(OFFLINE, { credentials: "omit", cache: "no-store" });
  event.waitUntil(page.then(async (reply) => reply.ok && (await caches.open(SHELL)).put(OFFLINE, reply)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => clients.claim()));
});
addEventListener("fetch", (event) => {
  const { request } = event,
    url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith(STATIC) && url.searchParams.has("v")) event.respondWith(part(request));
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match(OFFLINE).then((page) => page || Response.error())));
});
async function part(request) {
  const shell = await caches.open(SHELL),
    kept = await shell.match(request);
  if (kept) return kept;
  const reply = await fetch(request);
  if (reply.ok) {
    // the same part under an older address is not asked for any more
    for (const other of await shell.keys()) if (new URL(other.url).pathname === new URL(request.url).pathname) await shell.delete(other);
    await shell.put(request, reply.clone());
  }
  return reply;
}
