import type { EvaluatedFolder } from '../../workers/evaluate.ts';
import { countedText, countText, durationText } from '../weights/amounts.ts';
import { tableText } from './table.ts';
import { shortDigest } from './words.ts';

/** Samples that are shown. */
const WORST = 5;
/** Characters of a text that are shown. */
const SHOWN = 36;

const METHODS = { wilson: 'Wilson', 'bca bootstrap': 'bootstrap' } as const;

type Sample = EvaluatedFolder['samples'][number];

/** e to the mean loss, where what was measured is the likelihood of text; null for a share of right answers. */
export function perplexityOf({ suite, lossNats }: Pick<EvaluatedFolder, 'suite' | 'lossNats'>): number | null {
  return suite.kind === 'text' && lossNats !== null ? Math.exp(lossNats) : null;
}

/** An evaluation as people read it: the score and how sure it is, by what, and where the model was worst. */
export function evaluationText(evaluated: EvaluatedFolder, seconds: number): string {
  const { model, suite, harness, samples } = evaluated;
  return [
    ...facts([
      ['model', model],
      ['suite', `${suite.name}, ${countedText(samples.length, 'sample')}, digest ${shortDigest(suite.digest)}`],
      ['harness', `${harness.name} ${harness.version}, digest ${shortDigest(harness.digest)}`],
      ...scoreFacts(evaluated),
      ['took', durationText(seconds)],
    ]),
    ...worstLines(evaluated),
  ].join('\n');
}

function facts(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

function scoreFacts(evaluated: EvaluatedFolder): readonly (readonly [string, string])[] {
  const { score, interval, suite, samples, lossNats } = evaluated;
  const perplexity = perplexityOf(evaluated);
  const tokens = samples.reduce((total, { answerTokens }) => total + answerTokens, 0);
  const sure =
    interval === null
      ? 'every sample scored the same'
      : `95 % interval ${interval.low.toFixed(3)} to ${interval.high.toFixed(3)} (${METHODS[interval.method]})`;
  const right = samples.filter(({ outcome }) => outcome === 1).length;
  const meaning = suite.unit === 'share' ? `${countText(right)} of ${countText(samples.length)} right` : 'nats a token';
  return [
    ['score', `${score.toFixed(3)}, ${meaning}; ${sure}`],
    ...(lossNats === null
      ? []
      : [['loss', `${lossNats.toFixed(4)} nats a token, ${countedText(tokens, 'token')}`] as const]),
    ...(perplexity === null ? [] : [['perplexity', perplexity.toPrecision(5)] as const]),
  ];
}

function worstLines({ suite, samples }: EvaluatedFolder): readonly string[] {
  const isShare = suite.unit === 'share';
  const candidates = isShare ? samples.filter(({ outcome }) => outcome < 1) : samples;
  if (candidates.length === 0 || samples.length === 1) return [];
  const worst = [...candidates].sort(byMerit).slice(0, WORST);
  const columns = columnsOf(suite).filter(({ cell }) => worst.some((sample) => cell(sample) !== ''));
  const rows = worst.map((sample) => columns.map(({ cell }) => cell(sample)));
  const count = `${countText(worst.length)} of ${countText(candidates.length)}`;
  const title = isShare ? `Wrong, the furthest from right first (${count}):` : `Least likely first (${count}):`;
  return [
    '',
    title,
    tableText(
      columns.map(({ head }) => head),
      rows,
    ),
  ];
}

/** The worst outcome first, then the highest loss. */
function byMerit(left: Sample, right: Sample): number {
  return left.outcome - right.outcome || (right.lossNats ?? 0) - (left.lossNats ?? 0);
}

/** Cells of a sample; a column in which nobody has anything is left out. */
function columnsOf(
  suite: EvaluatedFolder['suite'],
): readonly { readonly head: string; readonly cell: (sample: Sample) => string }[] {
  const asked = new Map(suite.kind === 'samples' ? suite.samples.map((sample) => [sample.id, sample]) : []);
  const texts = new Map(suite.kind === 'text' ? suite.documents.map(({ id, text }) => [id, text]) : []);
  const promptOf = (id: string): string => {
    const prompt = asked.get(id)?.prompt ?? '';
    return typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
  };
  return [
    { head: suite.kind === 'text' && texts.has(null) ? 'window' : 'id', cell: ({ id }) => id },
    { head: 'asked', cell: ({ id }) => ending(promptOf(id)) },
    { head: 'text', cell: ({ id }) => beginning(texts.get(id) ?? '') },
    { head: 'expected', cell: ({ id }) => beginning(asked.get(id)?.answer ?? '') },
    {
      head: 'answered',
      cell: ({ answer }) => (answer === null ? '' : answer === '' ? '(nothing)' : beginning(answer)),
    },
    {
      head: 'outcome',
      cell: ({ outcome }) => (suite.unit === 'share' && outcome > 0 ? outcome.toFixed(3) : ''),
    },
    { head: 'loss', cell: ({ lossNats }) => lossNats?.toFixed(3) ?? '' },
    { head: 'tokens', cell: ({ answerTokens }) => (suite.kind === 'text' ? countText(answerTokens) : '') },
  ];
}

/** A text on one line: line ends and other controls as escapes. */
function oneLine(text: string): readonly string[] {
  return Array.from(JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\'));
}

function beginning(text: string): string {
  const characters = oneLine(text.slice(0, 4 * SHOWN));
  return characters.length <= SHOWN ? characters.join('') : `${characters.slice(0, SHOWN - 1).join('')}…`;
}

/** Of what was asked the end says most: the examples before it are everybody's. */
function ending(text: string): string {
  const characters = oneLine(text.slice(-4 * SHOWN));
  return characters.length <= SHOWN ? characters.join('') : `…${characters.slice(1 - SHOWN).join('')}`;
}
