import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createFileAtomic } from './atomic-file.ts';
import { namesIn } from './names-in.ts';

/**
 * Names that point at digests and move only by compare-and-swap. Each value is a file of its own, `root/<name>/@000001`,
 * created exclusively: of two that swap at once one wins, no lock can be left behind, and every earlier value stays.
 */
export class FsRefs {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async read(name: string): Promise<string | null> {
    return (await this.#newest(name)).digest;
  }

  /** Moves a ref if it still has the value `from` (null: not set). Returns whether it did, and the value that stands. */
  async swap(
    name: string,
    from: string | null,
    to: string,
  ): Promise<{ readonly swapped: boolean; readonly current: string | null }> {
    const newest = await this.#newest(name);
    if (newest.digest !== from) return { swapped: false, current: newest.digest };
    const file = path.join(this.#folder(name), generationName(newest.generation + 1));
    if (await createFileAtomic(file, to)) return { swapped: true, current: to };
    return { swapped: false, current: await this.read(name) };
  }

  async #newest(name: string): Promise<{ readonly generation: number; readonly digest: string | null }> {
    const folder = this.#folder(name);
    const generations = (await namesIn(folder)).flatMap((file) => /^@([0-9]{6,})$/.exec(file)?.[1] ?? []).map(Number);
    if (generations.length === 0) {
      await mkdir(folder, { recursive: true });
      return { generation: 0, digest: null };
    }
    const generation = Math.max(...generations);
    return { generation, digest: await readFile(path.join(folder, generationName(generation)), 'utf8') };
  }

  #folder(name: string): string {
    return path.join(this.#root, ...name.split('/').map((part) => encodeURIComponent(part).replaceAll('.', '%2E')));
  }
}

function generationName(generation: number): string {
  return `@${String(generation).padStart(6, '0')}`;
}
