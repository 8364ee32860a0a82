import net from 'node:net';

/** A loopback port that is free right now. */
export async function freePort(): Promise<number> {
  return openOnce(0);
}

/** Whether this process could listen on the loopback port right now. */
export async function isFree(port: number): Promise<boolean> {
  return openOnce(port).then(
    () => true,
    () => false,
  );
}

/** Whether somebody takes connections on the loopback port. */
export async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(port, '127.0.0.1');
    probe.once('error', () => {
      resolve(false);
    });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
  });
}

/** Listens on the port, 0 for any free one, and stops at once; says which it was. */
async function openOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no free port on 127.0.0.1'));
      });
    });
  });
}
