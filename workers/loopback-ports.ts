import { randomInt } from 'node:crypto';
import net from 'node:net';

/**
 * Ports that no system hands out by itself (Linux begins at 32768, others at 49152): one of those could be taken by any
 * outgoing connection between the moment it is found free and the moment somebody listens on it.
 */
const OWN_PORTS = { first: 20_000, end: 32_768 };
const TRIES = 50;

/**
 * A loopback port that is free right now, and stays so unless somebody asks for this very one.
 *
 * @param except one that was found before and is not listened on yet
 */
export async function freePort(except?: number): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(OWN_PORTS.first, OWN_PORTS.end);
    if (port !== except && (await isFree(port))) return port;
  }
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
