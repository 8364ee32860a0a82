import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../support/lineage-values.ts';
import { failure } from '../support/scripted-work.ts';
import { quietSpec, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

describe('a watch', () => {
  it('pins what is new and hands it over, in family order, and finds nothing the next time', async () => {
    const script = await service.create('watched');
    script.source = ['M10', 'notes', 'M2', 'M1'];
    expect(await service.lineages.watchNow('watched')).toEqual(['M1', 'M2', 'M10']);
    const { releases } = await service.lineages.state('watched');
    expect(releases.map(({ release }) => [release.name, release.digest])).toEqual(
      ['M1', 'M2', 'M10'].map((name) => [name, digestOf(name)]),
    );
    const handed = script.calls.filter(({ activity }) => ['pinRelease', 'announceRelease'].includes(activity));
    expect(handed.map(({ activity, release }) => `${activity} ${release}`)).toEqual(
      ['M1', 'M2', 'M10'].flatMap((name) => [`pinRelease ${name}`, `announceRelease ${name}`]),
    );
    expect(await service.lineages.watchNow('watched')).toEqual([]);
    expect((await service.lineages.state('watched')).releases).toHaveLength(3);
  });

  it('by hand takes the one release that it was asked for, known or not', async () => {
    const script = await service.create('by-hand');
    script.source = ['M1', 'M2'];
    expect(await service.lineages.watchNow('by-hand', 'M2')).toEqual(['M2']);
    expect(await service.lineages.watchNow('by-hand', 'M2')).toEqual(['M2']);
    expect((await service.lineages.state('by-hand')).releases.map(({ release }) => release.name)).toEqual(['M2']);
  });

  it('hands the family’s past over oldest first, piece by piece, each release as asked for', async () => {
    const script = await service.create('past', { family: { ...quietSpec('past').family, since: 'M4' } });
    script.source = ['M4', 'M3', 'M2', 'M1'];
    expect(await service.lineages.watchNow('past')).toEqual(['M4']);
    script.calls.length = 0;
    script.instead.findReleases = async (input) => (await script.usual.findReleases(input)).slice(0, 2);
    expect(await service.lineages.watchNow('past', undefined, { to: 'M3' })).toEqual(['M1', 'M2', 'M3']);
    expect(script.of('findReleases')).toHaveLength(3); // two, one, and nothing left
    const { releases } = await service.lineages.state('past');
    expect(releases.map(({ release }) => [release.name, release.backfill === true])).toEqual([
      ['M1', true],
      ['M2', true],
      ['M3', true],
      ['M4', false],
    ]);
    expect(await service.lineages.watchNow('past')).toEqual([]);
  });

  it('does not count what was withheld as known content under a new name', async () => {
    const script = await service.create('twins');
    script.source = ['M1', 'M2'];
    script.instead.announceRelease = async ({ lineage, release }) =>
      release.name === 'M2' ? { sameAs: 'M1' } : script.usual.announceRelease({ lineage, release });
    expect(await service.lineages.watchNow('twins')).toEqual(['M1']);
  });

  it('tells why it failed by the code of what failed', async () => {
    const script = await service.create('missing');
    script.instead.findReleases = async () => {
      throw failure('RELEASE_NOT_FOUND', { retryable: false });
    };
    await expect(service.lineages.watchNow('missing', 'M9')).rejects.toMatchObject({
      code: 'RELEASE_NOT_FOUND',
      message: 'RELEASE_NOT_FOUND on purpose',
    });
  });

  it('is refused a release whose content was changed under its name', async () => {
    const script = await service.create('changed');
    script.source = ['M1'];
    await service.lineages.watchNow('changed');
    script.instead.pinRelease = async (input) => ({
      ...(await script.usual.pinRelease(input)),
      digest: digestOf('other content'),
    });
    await expect(service.lineages.watchNow('changed', 'M1')).rejects.toMatchObject({ code: 'RELEASE_MOVED' });
  });
});
