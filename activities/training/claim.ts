import { RegraftError } from '../../contracts/error.ts';
import { trainingLedgerSchema, type TrainingLedger } from '../../contracts/training-ledger.schema.ts';
import { EMPTY_LEDGER, takeOver } from '../../policy/training-ledger.ts';
import type { ArtifactStore } from '../ports.ts';

/**
 * One supervisor's right to change a training's ledger. Taking it raises the fencing token; from then on nothing that an
 * earlier holder does changes the ledger any more, however long it was frozen or cut off.
 */
export class TrainingClaim {
  readonly token: number;
  readonly #store: ArtifactStore;
  readonly #ref: string;
  #ledger: TrainingLedger;
  #digest: string;

  private constructor(store: ArtifactStore, ref: string, ledger: TrainingLedger, digest: string) {
    this.#store = store;
    this.#ref = ref;
    this.#ledger = ledger;
    this.#digest = digest;
    this.token = ledger.token;
  }

  /** Takes a training over, whoever had it. Of several that do so at once each gets a token of its own, the last one wins. */
  static async take(store: ArtifactStore, training: string, holder: string): Promise<TrainingClaim> {
    const ref = `training/${training}`;
    for (;;) {
      const before = await store.readRef(ref);
      const ledger = takeOver(before === null ? EMPTY_LEDGER : await readLedger(store, before), holder);
      const digest = await store.putRecord(ledger);
      if ((await store.swapRef(ref, before, digest)).swapped) return new TrainingClaim(store, ref, ledger, digest);
    }
  }

  /** As of this holder's last change; true for as long as the claim is. */
  get ledger(): TrainingLedger {
    return this.#ledger;
  }

  /** @throws TRAINING_FENCED when somebody took the training over; nothing was changed */
  async change(change: (ledger: TrainingLedger) => TrainingLedger): Promise<void> {
    const ledger = change(this.#ledger);
    const digest = await this.#store.putRecord(ledger);
    if (digest === this.#digest) return this.check();
    const { swapped, current } = await this.#store.swapRef(this.#ref, this.#digest, digest);
    if (!swapped) throw await this.#fenced(current);
    this.#ledger = ledger;
    this.#digest = digest;
  }

  /** @throws TRAINING_FENCED when somebody took the training over */
  async check(): Promise<void> {
    const current = await this.#store.readRef(this.#ref);
    if (current !== this.#digest) throw await this.#fenced(current);
  }

  /** The ledger as its present holder left it. */
  async newest(): Promise<TrainingLedger> {
    const current = await this.#store.readRef(this.#ref);
    return current === null ? this.#ledger : readLedger(this.#store, current);
  }

  async #fenced(current: string | null): Promise<RegraftError> {
    const now = current === null ? EMPTY_LEDGER : await readLedger(this.#store, current);
    return new RegraftError(
      'TRAINING_FENCED',
      `${this.#ref} was taken over by ${now.holder} with token ${String(now.token)}; token ${String(this.token)} may change nothing any more.`,
      { retryable: true, details: { token: this.token, current: now.token } },
    );
  }
}

async function readLedger(store: ArtifactStore, digest: string): Promise<TrainingLedger> {
  return trainingLedgerSchema.parse(await store.getRecord(digest));
}
