/**
 * Opens Stately's inspector in a window of the browser, and forwards this run's events to it: in
 * the form and order of createBrowserInspector of @statelyai/inspect, but to that origin only.
 * lockex itself sends nothing.
 */

const ORIGIN = 'https://stately.ai';
const WINDOW_NAME = 'xstateinspector';
const CHECK_MS = 1000;

/** Returns false if the browser blocks the window. */
export function openStately(): boolean {
  const opened = window.open(`${ORIGIN}/inspect`, WINDOW_NAME);
  if (opened === null) return false;
  let socket: WebSocket | null = null;
  const onMessage = ({ origin, source, data }: MessageEvent) => {
    if (origin !== ORIGIN || source !== opened || data?.type !== '@statelyai.connected') return;
    // A new connection gets the machine and the history again, which a reload needs.
    socket?.close();
    socket = new WebSocket(`ws://${location.host}/stately${location.search}`);
    socket.onmessage = (message) => opened.postMessage(JSON.parse(String(message.data)), ORIGIN);
  };
  addEventListener('message', onMessage);
  const timer = setInterval(() => {
    if (!opened.closed) return;
    clearInterval(timer);
    removeEventListener('message', onMessage);
    socket?.close();
  }, CHECK_MS);
  return true;
}
