import { describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../workers/loopback-ports.ts';
import { makeKeyLine, writeCodecKeys, writePrivate } from '../../support/codec-keys.ts';
import { runCli } from '../../support/run-cli.ts';
import { waitUntil } from '../../support/wait-until.ts';

describe('regraft codec-server', () => {
  it('serves with the keys of the environment until it is interrupted', async () => {
    vi.stubEnv('REGRAFT_CODEC_KEYS', await writeCodecKeys(makeKeyLine('2026-05')));
    const port = String(await freePort());
    const running = runCli('codec-server', '--origin', 'http://127.0.0.1:8233', '--port', port);
    const url = `http://127.0.0.1:${port}`;
    const ask = () => fetch(`${url}/encode`, { method: 'POST', body: '{"payloads":[{"data":"MQ=="}]}' });
    const answer = await waitUntil('it answers', () => ask().catch(() => null));
    expect(await answer.text()).toContain(Buffer.from('2026-05').toString('base64'));
    process.emit('SIGTERM');
    expect(await running).toEqual({
      exitCode: 0,
      out: `The codec server listens at ${url}; Ctrl-C stops it.`,
      err: '',
    });
  });

  it('has nothing to decrypt with where no keys are named', async () => {
    vi.stubEnv('REGRAFT_CODEC_KEYS', '');
    expect(await runCli('codec-server')).toEqual({
      exitCode: 1,
      out: '',
      err: 'There is nothing to decrypt with: REGRAFT_CODEC_KEYS is not set; name the file of keys that the workers have. [CODEC_KEYS_MISSING]',
    });
  });

  it('does not listen for others without a token, nor with one that can be guessed or read', async () => {
    vi.stubEnv('REGRAFT_CODEC_KEYS', await writeCodecKeys(makeKeyLine('2026-05')));
    const tried = async (...more: readonly string[]) =>
      (await runCli('codec-server', '--host', '0.0.0.0', ...more)).err;
    expect(await tried()).toContain('[CODEC_SERVER_OPEN]');
    expect(await tried('--token-file', await writePrivate('token', 'short\n'))).toContain(
      'has 5 characters, expected one word of at least 16; make one with `openssl rand -hex 32`. [CODEC_TOKEN_INVALID]',
    );
    expect(await tried('--token-file', await writePrivate('token', 'a'.repeat(32), 0o644))).toContain(
      '[CODEC_TOKEN_EXPOSED]',
    );
  });
});
