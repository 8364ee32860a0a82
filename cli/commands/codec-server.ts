import { readCodecServerToken, requireCodec } from '../../workers/codec-settings.ts';
import { listOption } from '../list-option.ts';
import { interrupted } from '../interrupted.ts';
import { LAST_PORT, wholeNumber } from '../numbers.ts';
import { textOption } from '../text-option.ts';
import type { Command } from '../command.ts';

export const codecServer: Command = {
  name: 'codec-server',
  summary: "Decrypt histories for Temporal's page and command, with the keys of REGRAFT_CODEC_KEYS",
  positionals: [],
  options: {
    origin: {
      type: 'string',
      value: 'URL',
      help: "page that may ask: where Temporal's page is",
      repeatable: true,
    },
    host: { type: 'string', value: 'ADDRESS', help: 'where to listen', default: '127.0.0.1' },
    port: { type: 'string', value: 'PORT', help: 'its port; 0 takes a free one', default: '7274' },
    'token-file': {
      type: 'string',
      value: 'FILE',
      help: 'the token that every request must carry as Authorization: Bearer; needed off loopback',
    },
  },
  examples: [
    'REGRAFT_CODEC_KEYS=/etc/regraft/codec-keys regraft codec-server --origin http://127.0.0.1:8233',
    'REGRAFT_CODEC_KEYS=/etc/regraft/codec-keys regraft codec-server --host 10.0.0.5 --token-file /etc/regraft/codec-token --origin https://temporal.example.com',
  ],
  async run(context) {
    const port = wholeNumber(context, 'port', 0, LAST_PORT);
    const tokenFile = textOption(context, 'token-file');
    const codec = await requireCodec(context.environment);
    const token = tokenFile === undefined ? null : await readCodecServerToken(tokenFile);
    const { startCodecServer } = await import('../../workers/codec-server.ts');
    const server = await startCodecServer({
      ...{ codec, port, token, host: textOption(context, 'host') ?? '127.0.0.1' },
      origins: listOption(context, 'origin'),
    });
    context.answer(`The codec server listens at ${server.url}; Ctrl-C stops it.`, { url: server.url });
    await interrupted();
    await server.close();
  },
};
