import { randomInt } from 'node:crypto';
import net from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { freePort, isFree, isListening } from '../../workers/loopback-ports.ts';

vi.mock('node:crypto', { spy: true });

/** A listener of somebody else's, until the test is over. */
async function occupy(port: number): Promise<void> {
  const squatter = net.createServer();
  await new Promise<void>((resolve, reject) => squatter.once('error', reject).listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void squatter.close());
}

it('a free port can be taken, and nobody listens there', async () => {
  const port = await freePort();
  expect(await isFree(port)).toBe(true);
  expect(await isListening(port)).toBe(false);
  await occupy(port);
});

it('a free port is none that the system could hand to an outgoing connection', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  expect(ports.filter((port) => port < 20_000 || port >= 32_768)).toEqual([]);
});

it('a free port is not the one that was found before', async () => {
  const found = await freePort();
  vi.mocked(randomInt).mockImplementationOnce(() => found);
  expect(await freePort(found)).not.toBe(found);
});

it('a taken port is not free, and somebody listens there', async () => {
  const port = await freePort();
  await occupy(port);
  expect(await isFree(port)).toBe(false);
  expect(await isListening(port)).toBe(true);
});

it('asking whether a port is free leaves it free', async () => {
  const port = await freePort();
  expect(await isFree(port)).toBe(true);
  expect(await isFree(port)).toBe(true);
});
