import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ChaosPlace, NAME } from '../chaos/chaos-place.ts';
import { REPO } from '../chaos/chaos-source.ts';
import { ORDER } from '../support/service.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

vi.setConfig({ testTimeout: 3 * 60_000 });

let root: string;
let place: ChaosPlace;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'regraft-webhook-'));
  place = await ChaosPlace.create(root, '24h');
  await place.ask((lineages) => lineages.apply(place.spec, ORDER));
  await waitAtLength('the first look, which finds nothing, is over', async () => (await looks()) > 0);
}, 3 * 60_000);
afterAll(async () => {
  await place.destroy();
  await rm(root, { recursive: true, force: true });
});

/** How often the Hub was asked for the family's releases. */
function looks(): Promise<number> {
  return Promise.resolve(place.source.hub.requests.filter((line) => line.includes(`/${REPO}/refs`)).length);
}

async function releases(): Promise<readonly string[]> {
  const state = await place.ask((lineages) => lineages.state(NAME));
  return state.releases.map(({ release }) => release.name);
}

/** Sends a delivery that is answered with this status, and waits for the look that follows one that was accepted. */
async function tell(secret: string, branch: string, sha: string, status: number): Promise<void> {
  const before = await looks();
  expect(await place.source.tell({ ...place.webhook, secret }, branch, sha)).toBe(status);
  if (status === 202) await waitAtLength('the Hub is asked', async () => (await looks()) > before);
}

describe('a webhook of a Hub, whose Schedule looks once a day', () => {
  it('brings nothing that the Hub itself does not have', async () => {
    await tell(place.webhook.secret, 'M7', '7'.repeat(40), 202);
    expect(await releases()).toEqual([]);
  });

  it('makes nobody look when its secret is another', async () => {
    const before = await looks();
    const sha = await place.source.add({ number: 1, good: true });
    await tell('another-secret-of-some-length', 'M1', sha, 401);
    expect([await looks(), await releases()]).toEqual([before, []]);
  });

  it('brings what was pushed to its lineage at once, with all that was pushed before', async () => {
    place.source.hub.addWebhook({ ...place.webhook, watched: ['acme'] });
    await place.source.add({ number: 2, good: true });
    await place.source.hub.settled();
    expect(place.source.hub.deliveries.at(-1)).toMatchObject({ status: 202 });
    await waitAtLength('M1 and M2 are taken in', async () => (await releases()).join() === 'M1,M2', 200);
  });
});
