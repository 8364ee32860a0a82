import type { Client, WorkflowHandle } from '@temporalio/client';
import type { lineage } from '../workflows/lineage.ts';
import { asRegraftError } from './temporal-errors.ts';

/** Updates and queries are answered in well under a second; without a worker an update would wait for ever. */
const ANSWER_WITHIN_MS = 30_000;

/** How lineages are asked things: in time, and with our own words when they do not answer. */
export class LineageChannel {
  readonly client: Client;
  readonly #answerWithinMs: number;

  constructor(client: Client, answerWithinMs: number = ANSWER_WITHIN_MS) {
    this.client = client;
    this.#answerWithinMs = answerWithinMs;
  }

  handle(name: string): WorkflowHandle<typeof lineage> {
    return this.client.workflow.getHandle(`lineage/${name}`);
  }

  /** Fails when there is no answer in time. */
  ask<Answer>(name: string, work: () => Promise<Answer>, withinMs = this.#answerWithinMs): Promise<Answer> {
    return this.inWords(name, () => this.client.withDeadline(Date.now() + withinMs, work));
  }

  /** Waits for as long as it takes. */
  async inWords<Answer>(name: string, work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      throw asRegraftError(error, name);
    }
  }
}
