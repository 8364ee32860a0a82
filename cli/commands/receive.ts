import { findTemporal } from '../../client/connection.ts';
import type { Command } from '../command.ts';
import { interrupted } from '../interrupted.ts';
import { LAST_PORT, wholeNumber } from '../numbers.ts';
import { textOption } from '../text-option.ts';

export const receive: Command = {
  name: 'receive',
  summary: "Receive a Hub's webhooks, so that a release is found at once and not by the next look",
  positionals: [],
  options: {
    port: { type: 'string', value: 'PORT', help: 'port of /hub and /healthz; 0 takes a free one', default: '8790' },
    host: {
      type: 'string',
      value: 'ADDRESS',
      help: 'address to listen on; others than loopback belong behind a proxy that speaks TLS',
      default: '127.0.0.1',
    },
  },
  examples: [
    'REGRAFT_WEBHOOK_SECRET_FILE=/etc/regraft/webhook-secret regraft receive',
    'regraft receive --port 9000 --host 0.0.0.0',
  ],
  async run(context) {
    const { home, environment, say } = context;
    const [{ connectOnDemand }, { createWatches }, { serveReceiver }, { readWebhookSecret }] = await Promise.all([
      import('../../client/connect-on-demand.ts'),
      import('../../client/watches.ts'),
      import('../../web/serve-receiver.ts'),
      import('../../web/webhook-secret.ts'),
    ]);
    const temporal = connectOnDemand(() => findTemporal(home, environment));
    const receiver = await serveReceiver({
      secret: await readWebhookSecret(environment),
      port: wholeNumber(context, 'port', 0, LAST_PORT),
      host: textOption(context, 'host') ?? '127.0.0.1',
      watches: async () => createWatches(await temporal.client()),
      nowMs: () => performance.now(),
      say,
    });
    const url = `${receiver.url}/hub`;
    context.answer(`Webhooks are received at ${url}; Ctrl-C ends it.`, { url });
    await interrupted();
    await receiver.close();
    await temporal.close();
  },
};
