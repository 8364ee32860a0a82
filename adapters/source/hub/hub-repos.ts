import { HubApiError, listFiles, listModels } from '@huggingface/hub';
import { z } from 'zod';
import { messageOf, RegraftError } from '../../../contracts/error.ts';
import type { FetchableFile } from '../fetch-files.ts';
import { authorization, createHubFetch, type HubAccess } from './hub-fetch.ts';

/** No organisation has more models that anybody would watch, and no model folder more files. */
const MAX_MODELS = 10_000;
const MAX_FILES = 10_000;

const refSchema = z.object({ name: z.string(), targetCommit: z.string().regex(/^[0-9a-f]{40}$/) });
const refsSchema = z.object({ branches: z.array(refSchema), tags: z.array(refSchema) });
const headSchema = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/) });

export interface HubRef {
  readonly name: string;
  readonly commit: string;
}

/** Branches and tags of a repo. @throws HUB_NOT_FOUND */
export async function readRefs(
  access: HubAccess,
  repo: string,
  signal: AbortSignal,
): Promise<{ readonly branches: readonly HubRef[]; readonly tags: readonly HubRef[] }> {
  const answer = await ask(access, `/api/models/${repo}/refs`, refsSchema, signal);
  if (answer === null) throw repoNotFound(access, repo);
  const { branches, tags } = answer;
  const toRef = ({ name, targetCommit }: z.output<typeof refSchema>): HubRef => ({ name, commit: targetCommit });
  return { branches: branches.map(toRef), tags: tags.map(toRef) };
}

/** The commit of a repo's main branch; null when there is no such repo. */
export async function readHead(access: HubAccess, repo: string, signal: AbortSignal): Promise<string | null> {
  return (await ask(access, `/api/models/${repo}`, headSchema, signal))?.sha ?? null;
}

/** Every model of an owner with the commit of its main branch. */
export async function readModels(access: HubAccess, owner: string, signal: AbortSignal): Promise<readonly HubRef[]> {
  const found: HubRef[] = [];
  const models = listModels({
    search: { owner },
    limit: MAX_MODELS,
    additionalFields: ['sha'],
    ...connection(access, signal),
  });
  for await (const { name, sha } of models) found.push({ name: name.slice(name.indexOf('/') + 1), commit: sha });
  return found;
}

/** Files of a repo at a commit, those in folders left out: a model's own lie at its root. Null when it is not there. */
export async function readTree(
  access: HubAccess,
  repo: string,
  commit: string,
  signal: AbortSignal,
): Promise<readonly FetchableFile[] | null> {
  const files: FetchableFile[] = [];
  try {
    for await (const entry of listFiles({ repo, revision: commit, ...connection(access, signal) })) {
      if (entry.type !== 'file') continue;
      const digest = digestOf(entry.oid, entry.lfs?.oid);
      files.push({ name: entry.path, sizeBytes: entry.lfs?.size ?? entry.size, tag: digest?.value ?? '', digest });
      if (files.length > MAX_FILES) throw tooMany(repo);
    }
  } catch (error) {
    if (error instanceof HubApiError && error.statusCode === 404) return null;
    throw error;
  }
  return files;
}

/** Bytes of a file at a commit, from an offset on. */
export async function openContent(
  access: HubAccess,
  at: { readonly repo: string; readonly commit: string; readonly file: string; readonly offset: number },
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { repo, commit, file, offset } = at;
  const headers = {
    ...authorization(access),
    'accept-encoding': 'identity',
    ...(offset > 0 && { range: `bytes=${String(offset)}-` }),
  };
  // The answer may take as long as the file: whoever reads it watches over stalls.
  const get = createHubFetch(access, signal, 2 ** 31 - 1);
  const response = await get(`${access.endpoint}/${repo}/resolve/${commit}/${encodeURIComponent(file)}`, { headers });
  if (response.status !== (offset > 0 ? 206 : 200) || response.body === null) {
    await response.body?.cancel();
    throw new RegraftError(
      'SOURCE_RELEASE_GONE',
      `${file} of ${repo} at ${commit}: the Hub answered ${String(response.status)} where it had listed the file; it is asked again.`,
      { retryable: true },
    );
  }
  return response.body;
}

/** A checked answer; null for what is not there. */
async function ask<Answer>(
  access: HubAccess,
  place: string,
  schema: z.ZodType<Answer>,
  signal: AbortSignal,
): Promise<Answer | null> {
  const headers = { accept: 'application/json', ...authorization(access) };
  const response = await createHubFetch(access, signal)(`${access.endpoint}${place}`, { headers });
  const text = await response.text();
  if (response.status === 404) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new RegraftError(
      'HUB_ANSWER_INVALID',
      `The Hub at ${access.endpoint} gave to ${place} no answer of a Hub: ${messageOf(error).slice(0, 200)}; correct HF_ENDPOINT of the worker, or what stands between.`,
      { retryable: true },
    );
  }
}

function connection(access: HubAccess, signal: AbortSignal) {
  const { endpoint: hubUrl, token } = access;
  return { hubUrl, fetch: createHubFetch(access, signal), ...(token !== null && { accessToken: token }) };
}

/** Git's id of a small file, sha256 of one that is kept beside git. */
function digestOf(oid: string | undefined, sha256: string | undefined): FetchableFile['digest'] {
  if (sha256 !== undefined) return { algorithm: 'sha256', value: sha256 };
  return oid === undefined ? null : { algorithm: 'git-blob', value: oid };
}

function repoNotFound({ endpoint }: HubAccess, repo: string): RegraftError {
  return new RegraftError(
    'HUB_NOT_FOUND',
    `There is no model ${repo} at ${endpoint}; correct \`family.hub\`, or HF_ENDPOINT of the worker.`,
  );
}

function tooMany(repo: string): RegraftError {
  return new RegraftError('HUB_REFUSED', `${repo} has more than ${String(MAX_FILES)} files at its root; no model has.`);
}
