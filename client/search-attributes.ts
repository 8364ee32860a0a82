import { setTimeout } from 'node:timers/promises';
import { ServiceError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;
/** A server shows what was registered within seconds. */
const SHOWN_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 200;

/** What a lineage starts with, so that Temporal's own list can be searched by it. */
export function lineageAttributes(name: string): SearchAttributePair[] {
  return [
    { key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.lineage, SearchAttributeType.KEYWORD), value: name },
    { key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD), value: 'idle' },
  ];
}

/**
 * Whether the namespace has our search attributes; registers them where it does not and the server lets us. Where it does
 * not let us (Temporal Cloud has its own command for that) lineages run without. Asking again changes nothing.
 */
export async function ensureSearchAttributes(client: Client): Promise<boolean> {
  if (await hasAll(client)) return true;
  try {
    const searchAttributes = Object.fromEntries(Object.values(SEARCH_ATTRIBUTES).map((name) => [name, KEYWORD]));
    const { namespace } = client.options;
    await client.connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch {
    return hasAll(client); // another client may have been faster; refused, unknown there or limited: they are an extra
  }
  for (let waitedMs = 0; waitedMs < SHOWN_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    if (await hasAll(client)) return true;
    await setTimeout(LOOK_EVERY_MS);
  }
  return false;
}

/** A query by an attribute that the namespace does not have is refused, by every kind of server. */
async function hasAll(client: Client): Promise<boolean> {
  try {
    const query = Object.values(SEARCH_ATTRIBUTES)
      .map((name) => `${name} = 'none'`)
      .join(' OR ');
    await client.workflow.count(query);
    return true;
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
}
