import type { ReleaseSource, SourceListing } from '../../../activities/ports.ts';
import { placeOf } from '../../../contracts/family.ts';
import type { FamilySpec } from '../../../contracts/family.schema.ts';
import { RegraftError } from '../../../contracts/error.ts';
import { fetchFiles, type FetchableFile } from '../fetch-files.ts';
import { judgeFiles, lookOf, type JudgedFiles } from '../model-files.ts';
import type { HubAccess } from './hub-fetch.ts';
import { openContent, readHead, readModels, readRefs, readTree, type HubRef } from './hub-repos.ts';

/** Families on the Hub: branches and tags of a repo, a list of repos, or all repos of an owner. A version is a commit. */
export function createHubSource(access: HubAccess, pauseMs?: number): ReleaseSource {
  return {
    async list(family, signal) {
      const place = placeOf(family);
      if (place.kind === 'revisions') return revisions(await readRefs(access, place.repo, signal));
      if (place.kind === 'organisation') {
        const models = await readModels(access, place.organisation, signal);
        return { releases: models.map(({ name, commit }) => ({ name, version: commit })), ignored: [] };
      }
      return heads(access, place.kind === 'repos' ? place.repos : [], signal);
    },
    async look(family, { name, version }, signal) {
      return lookOf(await judge(access, repoOf(family, name), version, signal));
    },
    async open({ family, release: { name, version }, into, signal, onProgress }) {
      const repo = repoOf(family, name);
      const judged = await judge(access, repo, version, signal);
      if (judged.kind === 'incomplete') throw gone(name, repo, version, judged.why);
      const { files, content } = judged;
      await fetchFiles(
        files,
        into,
        (file, offset, stop) => openContent(access, { repo, commit: version, file: file.name, offset }, stop),
        { signal, onProgress, ...(pauseMs !== undefined && { pauseMs }) },
      );
      return { folder: into, uri: `hub://${repo}@${version}`, version, content, take: 'link' };
    },
  };
}

async function judge(
  access: HubAccess,
  repo: string,
  commit: string,
  signal: AbortSignal,
): Promise<JudgedFiles<FetchableFile>> {
  const listed = await readTree(access, repo, commit, signal);
  if (listed === null) return { kind: 'incomplete', why: `the Hub has no commit ${commit} of ${repo}` };
  return judgeFiles(listed, async ({ name }) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await openContent(access, { repo, commit, file: name, offset: 0 }, signal))
      chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  });
}

/** A name that is both a branch and a tag is no name, unless both are the same commit. */
function revisions({
  branches,
  tags,
}: {
  readonly branches: readonly HubRef[];
  readonly tags: readonly HubRef[];
}): SourceListing {
  const commitOf = new Map(branches.map(({ name, commit }) => [name, commit]));
  const isAmbiguous = ({ name, commit }: HubRef): boolean => (commitOf.get(name) ?? commit) !== commit;
  const ambiguous = new Set(tags.filter(isAmbiguous).map(({ name }) => name));
  const all = new Map([...tags, ...branches].map(({ name, commit }) => [name, commit]));
  return {
    releases: [...all].flatMap(([name, version]) => (ambiguous.has(name) ? [] : [{ name, version }])),
    ignored: [...ambiguous].map((name) => ({ name, why: 'a branch and a tag of that name are different commits' })),
  };
}

/** A repo of the list that is not there yet is no release yet. */
async function heads(access: HubAccess, repos: readonly string[], signal: AbortSignal): Promise<SourceListing> {
  const found = await Promise.all(
    repos.map(async (repo) => {
      return { repo, name: repo.slice(repo.indexOf('/') + 1), version: await readHead(access, repo, signal) };
    }),
  );
  return {
    releases: found.flatMap(({ name, version }) => (version === null ? [] : [{ name, version }])),
    ignored: found.flatMap(({ repo, name, version }) =>
      version === null ? [{ name, why: `there is no model ${repo} at ${access.endpoint} yet` }] : [],
    ),
  };
}

function repoOf(family: FamilySpec, name: string): string {
  const place = placeOf(family);
  if (place.kind === 'revisions') return place.repo;
  if (place.kind === 'organisation') return `${place.organisation}/${name}`;
  const repos = place.kind === 'repos' ? place.repos : [];
  return repos.find((repo) => repo.endsWith(`/${name}`)) ?? name;
}

function gone(name: string, repo: string, commit: string, why: string): RegraftError {
  return new RegraftError(
    'SOURCE_RELEASE_GONE',
    `Release ${name}: ${repo} at ${commit} is no complete model any more: ${why}; put it back, or leave it out for good.`,
    { retryable: true },
  );
}
