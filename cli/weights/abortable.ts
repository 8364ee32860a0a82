/**
 * Does work that the first SIGINT or SIGTERM aborts, and waits until it has stopped; a second one ends the process as usual.
 * `onAbort` is called at the first.
 */
export async function abortable<T>(work: (signal: AbortSignal) => Promise<T>, onAbort: () => void): Promise<T> {
  const controller = new AbortController();
  const ignore = (): void => {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  };
  const abort = (): void => {
    ignore();
    onAbort();
    controller.abort();
  };
  process.on('SIGINT', abort).on('SIGTERM', abort);
  try {
    return await work(controller.signal);
  } finally {
    ignore();
  }
}
