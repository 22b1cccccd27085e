/** Asks Deno itself for a worker with permissions. */
new Worker("data:text/javascript,postMessage(1)", {
  type: "module",
  deno: { permissions: "none" },
}).onmessage = (): void => Deno.exit(0);
