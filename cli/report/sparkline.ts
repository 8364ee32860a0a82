const BARS = '▁▂▃▄▅▆▇█';

/**
 * A curve as one line of bars, one for each value, on a scale that several curves can share. Values outside the scale are
 * drawn at its end.
 */
export function sparkline(values: readonly number[], scale: { readonly least: number; readonly most: number }): string {
  const range = scale.most - scale.least;
  return values
    .map((value) => {
      const share = range === 0 ? 0 : (value - scale.least) / range;
      const index = Math.round(Math.min(Math.max(share, 0), 1) * (BARS.length - 1));
      return BARS[index] ?? BARS;
    })
    .join('');
}
