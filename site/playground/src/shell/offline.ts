/** @file The service worker: fetched once the page is there, so that it delays nothing. */

/** Registers the service worker, and says in the footer when the pages open without a network. */
export function keepOffline(): void {
  const { serviceWorker } = navigator;
  if (serviceWorker === undefined) return;
  const say = (text: string): void => {
    const place = document.getElementById("offline");
    if (place !== null) place.textContent = text;
  };
  addEventListener("load", () => {
    serviceWorker.register(new URL("sw.js", document.baseURI)).catch(() => undefined);
  });
  serviceWorker.ready.then(() => say("It works without a network now.")).catch(() => undefined);
}
