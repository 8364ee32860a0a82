import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { RepoOptions, UpdatedRef, WebhookSpec } from './types.ts';

export interface HubFile {
  readonly sha256: string;
  readonly size: number;
  /** Git's id of what the tree holds: of the pointer where the content is in LFS. */
  readonly oid: string;
  readonly isLfs: boolean;
}

export interface HubCommit {
  readonly oid: string;
  readonly parent: string | null;
  readonly title: string;
  readonly message: string;
  readonly date: string;
  readonly files: Readonly<Record<string, HubFile>>;
}

export interface HubRepo extends Required<RepoOptions> {
  readonly id: string;
  readonly createdAt: string;
  readonly commits: Record<string, HubCommit>;
  readonly branches: Record<string, string>;
  readonly tags: Record<string, string>;
}

interface Saved {
  readonly repos: Record<string, HubRepo>;
  readonly webhooks: WebhookSpec[];
}

export type RefChange = (repo: HubRepo, action: 'create' | 'update' | 'delete', refs: readonly UpdatedRef[]) => void;

export type RefKind = 'branches' | 'tags';

export class HubProblem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What the Hub knows, in one file that is replaced whole at every change, and its content by digest beside it. */
export class HubState {
  readonly #folder: string;
  readonly #saved: Saved;
  #onChange: RefChange = () => undefined;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(path.join(folder, 'objects'), { recursive: true });
    this.#saved = readSaved(path.join(folder, 'hub.json'));
  }

  onChange(listener: RefChange): void {
    this.#onChange = listener;
  }

  get webhooks(): readonly WebhookSpec[] {
    return this.#saved.webhooks;
  }

  addWebhook(webhook: WebhookSpec): void {
    this.#saved.webhooks.push(webhook);
    this.#save();
  }

  get repos(): readonly HubRepo[] {
    return Object.values(this.#saved.repos);
  }

  createRepo(id: string, { private: isPrivate = false, gated = false }: RepoOptions = {}): HubRepo {
    if (this.#saved.repos[id] !== undefined)
      throw new HubProblem(409, 'RepoExists', 'You already created this model repo');
    const createdAt = new Date().toISOString();
    const repo: HubRepo = { id, private: isPrivate, gated, createdAt, commits: {}, branches: {}, tags: {} };
    this.#saved.repos[id] = repo;
    const attributes = this.#keep(Buffer.from('*.safetensors filter=lfs diff=lfs merge=lfs -text\n'), false);
    repo.branches['main'] = addCommit(repo, null, 'initial commit', '', { '.gitattributes': attributes });
    this.#save();
    this.#onChange(repo, 'create', []);
    return repo;
  }

  deleteRepo(id: string): void {
    const repo = this.repo(id);
    Reflect.deleteProperty(this.#saved.repos, id);
    this.#save();
    this.#onChange(repo, 'delete', []);
  }

  repo(id: string): HubRepo {
    const found = this.#saved.repos[id];
    if (found === undefined) throw new HubProblem(404, 'RepoNotFound', 'Repository not found');
    return found;
  }

  commitOf(repo: HubRepo, revision: string): HubCommit {
    const name = revision === 'HEAD' ? 'main' : revision.replace(/^refs\/(heads|tags)\//, '');
    const found = repo.commits[repo.branches[name] ?? repo.tags[name] ?? name];
    if (found === undefined) throw new HubProblem(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    return found;
  }

  /** Adds a commit to a branch that is there. */
  commit(
    repo: HubRepo,
    branch: string,
    title: string,
    message: string,
    change: (files: Record<string, HubFile>) => void,
  ): string {
    const parent = repo.branches[branch];
    if (parent === undefined) throw new HubProblem(404, 'RevisionNotFound', `Invalid rev id: ${branch}`);
    const files = { ...repo.commits[parent]?.files };
    change(files);
    const oid = addCommit(repo, parent, title, message, files);
    this.setRef(repo, 'branches', branch, oid);
    return oid;
  }

  setRef(repo: HubRepo, kind: RefKind, name: string, to: string | null): void {
    const oldSha = repo[kind][name] ?? null;
    if (to === null) Reflect.deleteProperty(repo[kind], name);
    else repo[kind][name] = to;
    this.#save();
    const ref = `refs/${kind === 'branches' ? 'heads' : 'tags'}/${name}`;
    this.#onChange(repo, 'update', [{ ref, oldSha, newSha: to }]);
  }

  /** Content in the repo as the Hub would keep it: weights and whatever is large in LFS. */
  keepFile(file: string, bytes: Uint8Array): HubFile {
    return this.#keep(bytes, isLfsFile(file, bytes.byteLength));
  }

  lfsFile(sha256: string): HubFile {
    const { byteLength: size } = this.content(sha256);
    return { sha256, size, oid: gitId(pointer(sha256, size)), isLfs: true };
  }

  hasContent(sha256: string): boolean {
    try {
      this.content(sha256);
      return true;
    } catch {
      return false;
    }
  }

  content(sha256: string): Buffer {
    return readFileSync(path.join(this.#folder, 'objects', sha256));
  }

  /** Keeps bytes under a digest; the caller has checked that it is theirs (or wants it wrong). */
  putContent(sha256: string, bytes: Uint8Array): void {
    replaceFile(path.join(this.#folder, 'objects', sha256), bytes);
  }

  #keep(bytes: Uint8Array, isLfs: boolean): HubFile {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.putContent(sha256, bytes);
    const size = bytes.byteLength;
    return { sha256, size, oid: gitId(isLfs ? pointer(sha256, size) : bytes), isLfs };
  }

  #save(): void {
    replaceFile(path.join(this.#folder, 'hub.json'), JSON.stringify(this.#saved));
  }
}

export function isLfsFile(file: string, size: number): boolean {
  return /\.(safetensors|bin|pt|onnx|gguf)$/.test(file) || size > 10_000_000;
}

/** What git itself holds of a file in LFS. */
export function pointer(sha256: string, size: number): Buffer {
  return Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${String(size)}\n`);
}

function addCommit(
  repo: HubRepo,
  parent: string | null,
  title: string,
  message: string,
  files: Readonly<Record<string, HubFile>>,
): string {
  // The count makes equal commits differ, as their dates would.
  const what = JSON.stringify([repo.id, parent, title, files, Object.keys(repo.commits).length]);
  const oid = createHash('sha1').update(what).digest('hex');
  repo.commits[oid] = { oid, parent, title, message, date: new Date().toISOString(), files };
  return oid;
}

function gitId(bytes: Uint8Array): string {
  return createHash('sha1')
    .update(`blob ${String(bytes.byteLength)}\0`)
    .update(bytes)
    .digest('hex');
}

function readSaved(file: string): Saved {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Saved;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { repos: {}, webhooks: [] };
    throw error;
  }
}

/** Whole or not at all, should the process be killed. */
function replaceFile(file: string, content: string | Uint8Array): void {
  const part = `${file}.${String(process.pid)}.part`;
  writeFileSync(part, content);
  renameSync(part, file);
}
