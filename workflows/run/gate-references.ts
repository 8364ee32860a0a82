import type { JudgeReference } from '../../activities/publish.ts';
import type { RunInput } from '../../contracts/run.ts';
import type { Evaluations } from './evaluations.ts';
import type { PlainBeside } from './plain-beside.ts';

/** What the spec's gate compares with, as far as it exists; waits for the plain arm where that is one of them. */
export async function gateReferences(
  { spec, release, published, previous }: RunInput,
  plain: PlainBeside,
  evaluations: Evaluations,
): Promise<readonly JudgeReference[]> {
  const references: JudgeReference[] = [];
  for (const kind of [spec.gate?.against ?? []].flat()) {
    switch (kind) {
      case 'published':
        if (published !== null) {
          const { candidateDigest: modelDigest, suites } = published;
          references.push({ kind, release: published.release, modelDigest, suites });
        }
        break;
      case 'base': {
        const { modelDigest, suites } = await evaluations.measure(release.digest);
        references.push({ kind, release: release.name, modelDigest, suites });
        break;
      }
      case 'plain': {
        const end = await plain.end();
        if (end !== null) references.push({ kind, recordDigest: end.recordDigest });
        break;
      }
      case 'previous':
        if (previous !== undefined && previous !== null) references.push({ kind, recordDigest: previous.recordDigest });
    }
  }
  return references;
}
