import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { Totals } from '../../ops/health-totals.ts';
import { isRecord } from '../../plan/is-record.ts';
import { isErrno, toWeightsError } from '../fs-error.ts';

/** How far an output file had come after a piece. */
export interface JournalEntry {
  /** Pieces of the file that were complete. */
  readonly pieces: number;
  /** Length of the file, header included; the same in every output. */
  readonly bytes: number;
  /** sha256 of those bytes, hex, by output. */
  readonly sha256: readonly string[];
  /** The tensor of the last piece, and what was measured of it until then, by output. */
  readonly tensor: number;
  readonly totals: readonly Totals[];
}

/** What is remembered of an output file while it is written: a line of JSON after every piece. */
export class FileJournal {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The entries in order; a line that a crash or the disk has damaged ends them, and so does one of other outputs. */
  read(outputs: number): readonly JournalEntry[] {
    const entries: JournalEntry[] = [];
    for (const line of this.#text().split('\n').slice(0, -1)) {
      const entry = parseEntry(line);
      if (entry?.pieces !== entries.length + 1 || entry.sha256.length !== outputs) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Forgets everything but these. */
  rewrite(entries: readonly JournalEntry[]): void {
    this.#io(() => {
      writeFileSync(this.#path, entries.map((entry) => toLine(entry)).join(''));
    });
  }

  append(entry: JournalEntry): void {
    this.#io(() => {
      appendFileSync(this.#path, toLine(entry));
    });
  }

  #text(): string {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return '';
      throw toWeightsError(error, this.#path);
    }
  }

  #io(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw toWeightsError(error, this.#path);
    }
  }
}

/** Null for a line that is damaged. Whether the file holds what an entry says is for its digests to decide. */
function parseEntry(line: string): JournalEntry | null {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return null;
  }
  return isEntry(entry) ? { ...entry, totals: entry.totals.map(restore) } : null;
}

/** JSON has no word for a sum that is not finite: it is kept as text. */
function toLine(entry: JournalEntry): string {
  const sayAll = (_: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(entry, sayAll)}\n`;
}

function restore({ sums, newNonFinite }: Totals): Totals {
  return { sums: sums.map(Number), newNonFinite };
}

function isEntry(entry: unknown): entry is JournalEntry {
  if (!isRecord(entry)) return false;
  const { pieces, bytes, sha256, tensor, totals } = entry;
  return (
    [pieces, bytes, tensor].every((count) => Number.isSafeInteger(count)) &&
    Array.isArray(sha256) &&
    Array.isArray(totals) &&
    totals.every((one) => isRecord(one) && typeof one['newNonFinite'] === 'number' && Array.isArray(one['sums']))
  );
}
