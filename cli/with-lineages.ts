import os from 'node:os';
import { connectClient, findTemporal } from '../client/connection.ts';
import { createLineages, type Lineages } from '../client/lineages.ts';
import type { Order } from '../contracts/lineage-state.ts';
import type { CommandContext, OptionDefinition } from './command.ts';
import { textOption } from './text-option.ts';

/** Connects, does the work, and closes the connection whatever happened. */
export async function withLineages<Answer>(
  { home, environment }: Pick<CommandContext, 'home' | 'environment'>,
  work: (lineages: Lineages) => Promise<Answer>,
): Promise<Answer> {
  const client = await connectClient(await findTemporal(home, environment));
  try {
    return await work(createLineages(client));
  } finally {
    await client.connection.close();
  }
}

/** The option that every order takes. */
export const REASON: Readonly<Record<string, OptionDefinition>> = {
  reason: { type: 'string', value: 'TEXT', help: 'why; kept in the record', default: 'not given' },
};

/** Who orders, and why. */
export function orderOf(context: CommandContext): Order {
  return {
    actor: context.environment['USER'] ?? os.userInfo().username,
    reason: textOption(context, 'reason') ?? 'not given',
  };
}
