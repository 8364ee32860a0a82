import { describe, expect, it } from 'vitest';
import { chooseReleases, type Backfill, type KnownRelease } from '../../policy/choose-releases.ts';
import { digestOf } from '../support/lineage-values.ts';

const FAMILY = { names: 'M{release}', order: ['release'] };
const A = 'aaaaaaaaaaaaaaaa';
const B = 'bbbbbbbbbbbbbbbb';
const C = 'cccccccccccccccc';

/** `M1:a` is M1 whose content the source calls a. */
function listed(...releases: readonly string[]) {
  return releases.map((text) => {
    const [name = '', version = `version of ${name}`] = text.split(':');
    return { name, version };
  });
}

function known(...releases: readonly string[]): readonly KnownRelease[] {
  return listed(...releases).map(({ name, version }) => ({ name, digest: digestOf(version), commit: version }));
}

function choose(
  source: readonly string[],
  taken: readonly string[],
  more: { since?: string; backfill?: Backfill } = {},
) {
  const { since, backfill } = more;
  const choice = chooseReleases({
    listed: listed(...source),
    known: known(...taken),
    family: { ...FAMILY, ...(since !== undefined && { since }) },
    ...(backfill !== undefined && { backfill }),
  });
  return {
    fresh: choice.fresh.map(({ name }) => name),
    drifted: choice.drifted.map(({ from, to }) => `${from.name} to ${to.name} at ${to.position.join('.')}`),
    renamed: choice.renamed.map(({ name, as }) => `${name} is ${as}`),
  };
}

const NOTHING = { fresh: [], drifted: [], renamed: [] };

describe('what a look at a source leads to', () => {
  it.each<[string, readonly string[], readonly string[], Partial<ReturnType<typeof choose>>]>([
    ['nothing where nothing is', [], [], {}],
    ['all of a new family, in its order', ['M10', 'M2', 'M1'], [], { fresh: ['M1', 'M2', 'M10'] }],
    ['what is new, and nothing else', ['M1', 'M2', 'M3'], ['M1', 'M2'], { fresh: ['M3'] }],
    ['nothing the second time', ['M1', 'M2'], ['M1', 'M2'], {}],
    ['a release listed twice once', ['M1:a', 'M1:a'], [], { fresh: ['M1'] }],
    ['a late release, though newer ones ran long ago', ['M1', 'M2', 'M3'], ['M1', 'M3'], { fresh: ['M2'] }],
    ['those that arrive out of order, in order', ['M4', 'M3'], ['M1', 'M5'], { fresh: ['M3', 'M4'] }],
    ['nothing when a release has vanished', ['M2'], ['M1', 'M2'], {}],
    ['nothing when all have vanished', [], ['M1', 'M2'], {}],
    ['no release when one has a new name', ['M7:a'], ['M1:a'], { renamed: ['M7 is M1'] }],
    ['one of two names of the same', ['M1:a', 'M2:a'], [], { fresh: ['M1'], renamed: ['M2 is M1'] }],
    ['nothing of names that do not follow the pattern', ['main', 'M1@x', 'M'], [], {}],
    [
      `a drift where a name stands for another version`,
      [`M1:${B}`],
      [`M1:${A}`],
      { drifted: ['M1 to M1@bbbbbbbbbbbb at 1.1'] },
    ],
    [`the same drift no second time`, [`M1:${B}`], [`M1:${A}`, `M1@bbbbbbbbbbbb:${B}`], {}],
    [
      `a second drift after the first`,
      [`M1:${C}`],
      [`M1:${A}`, `M1@bbbbbbbbbbbb:${B}`],
      { drifted: ['M1 to M1@cccccccccccc at 1.2'] },
    ],
    [`nothing when a name is back where it was`, [`M1:${A}`], [`M1:${A}`, `M1@bbbbbbbbbbbb:${B}`], {}],
  ])('is %s', (_claim, source, taken, expected) => {
    expect(choose(source, taken)).toEqual({ ...NOTHING, ...expected });
  });

  it('is no drift of a release that was pinned before versions were kept', () => {
    const old = [{ name: 'M1', digest: digestOf('M1') }];
    expect(chooseReleases({ listed: listed('M1:b'), known: old, family: FAMILY })).toEqual(NOTHING);
  });

  it('leaves out what is before `since`, and takes it as the family’s past', () => {
    const source = ['M4', 'M3', 'M2', 'M1'];
    expect(choose(source, [], { since: 'M3' }).fresh).toEqual(['M3', 'M4']);
    expect(choose(source, ['M3', 'M4'], { since: 'M3' }).fresh).toEqual([]);
    expect(choose(source, [], { since: 'M3', backfill: {} }).fresh).toEqual(['M1', 'M2', 'M3', 'M4']);
    expect(choose(source, [], { backfill: { from: 'M2', to: 'M3' } }).fresh).toEqual(['M2', 'M3']);
  });

  it('hands the past over piece by piece, known or not, each part behind the last', () => {
    const source = ['M3', 'M2', 'M1'];
    expect(choose(source, ['M2'], { backfill: {} }).fresh).toEqual(['M1', 'M2', 'M3']);
    const after = { name: 'M2', position: [2] };
    expect(choose(source, ['M2'], { backfill: { after } }).fresh).toEqual(['M3']);
    expect(choose(source, [], { backfill: { after: { name: 'M3', position: [3] } } }).fresh).toEqual([]);
  });

  it('bounds by place, so a bound may have vanished', () => {
    expect(choose(['M1', 'M4'], [], { since: 'M3' }).fresh).toEqual(['M4']);
  });
});
