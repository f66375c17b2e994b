import { CHANGES, type Change, type Difference } from '../differences';
import type { ChangeCounts } from '../affected';
import type { LabelVerdict } from '../label-score';
import type { DocumentDiff, WhatIfDiff } from '../whatif-shape';

/** What each change is called after a number of findings. */
export const CHANGE_WORDS: Readonly<Record<Change, string>> = {
  added: 'added',
  lost: 'lost',
  earlier: 'earlier',
  later: 'later',
  changed: 'saying something else',
};

/** What each verdict is called. */
export const VERDICT_WORDS: Readonly<Record<LabelVerdict, string>> = {
  attack: 'attack',
  'benign-twin': 'false alarm on a look-alike',
  ordinary: 'false alarm',
};

/** `3 added, 1 lost`; `none` where all are 0. */
export function countsText(counts: ChangeCounts): string {
  const parts = CHANGES.filter((change) => counts[change] > 0).map(
    (change) => `${counts[change]} ${CHANGE_WORDS[change]}`,
  );
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** How many differences there are in all. */
export function sumOfCounts(counts: ChangeCounts): number {
  return CHANGES.reduce((sum, change) => sum + counts[change], 0);
}

/** One or several of something: `1 patient`, `3 patients`. */
export function countOf(count: number, one: string, several = `${one}s`): string {
  return `${numberOf(count)} ${count === 1 ? one : several}`;
}

/** A whole number with its thousands apart. */
export function numberOf(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** A span of time in its two greatest units: `1 h 5 min`, `3 s`, `250 ms`. */
export function spanText(ms: number): string {
  const size = Math.abs(ms);
  const first = UNITS.findIndex(([unitMs]) => size >= unitMs);
  if (first < 0) return `${size} ms`;
  const parts: string[] = [];
  let left = size;
  for (const [unitMs, unit] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(left / unitMs);
    if (count > 0) parts.push(`${count} ${unit}`);
    left -= count * unitMs;
  }
  return parts.join(' ');
}

/** `5 min later`. */
export function shiftText(shiftMs: number): string {
  if (shiftMs === 0) return 'at the same time';
  return `${spanText(shiftMs)} ${shiftMs < 0 ? 'earlier' : 'later'}`;
}

/** A time without the letters of its format: `2026-03-02 08:15:47` in UTC. */
export function timeText(rfc3339: string): string {
  return rfc3339.slice(0, 19).replace('T', ' ');
}

/** Of which results were wanted. */
export function rangeText({ range, log }: WhatIfDiff): string {
  const { emitFrom, emitTo } = range;
  const boundText = (bound: string | number): string => (typeof bound === 'number' ? `seq ${bound}` : timeText(bound));
  const from = emitFrom === null ? 'from its beginning' : `from ${boundText(emitFrom)}`;
  const to = emitTo === null ? 'to its end' : `to ${boundText(emitTo)}`;
  return `log ${log.origin}, ${countOf(log.size, 'record')}, ${from} ${to}`;
}

/** A share as percent. */
export function shareText(share: number | null): string {
  return share === null ? '–' : `${(share * 100).toFixed(1)} %`;
}

/** A ward, role or device, or what stands for one that is not known. */
export function nameOrUnknown(name: string | null): string {
  return name ?? 'not known';
}

/** What became of a document, in one line. */
export function documentText({ change, kind, title, key, path }: DocumentDiff): string {
  const shown = title === key ? title : `${title} (${key})`;
  const what = kind === 'rule' || kind === 'correlation' || kind === 'filter' ? `${kind} ` : '';
  return `${change}: ${what}${shown}${path === key ? '' : ` in ${path}`}`;
}

/** When a difference is certain in each run. */
export function whenText({ baseline, candidate, shiftMs }: Difference): string {
  const shown = candidate ?? baseline;
  const at = shown === null ? '' : timeText(shown.certainAt);
  return shiftMs === null || shiftMs === 0 ? at : `${at}, ${shiftText(shiftMs)}`;
}

/** Who and what a difference is about; persons and patients by token. */
export function aboutText({ baseline, candidate }: Difference): string {
  const entities = (candidate ?? baseline)?.entities ?? [];
  return entities.map(({ kind, id }) => `${kind} ${id}`).join(', ');
}

/** Aspects that follow from another that is told: longer words of the same. */
const LENGTHY: ReadonlySet<string> = new Set(['why', 'next step', 'harmless explanation']);

/** What a finding says differently; of long words only that they differ. */
export function aspectsText({ aspects }: Difference): string {
  return aspects
    .map(({ name, baseline, candidate }) =>
      LENGTHY.has(name) ? `other words (${name})` : `${name}: ${baseline ?? 'nothing'}, now ${candidate ?? 'nothing'}`,
    )
    .join('; ');
}

/** What it says happened. */
export function whyText({ baseline, candidate }: Difference): string {
  return (candidate ?? baseline)?.says['why'] ?? '';
}

const CAUSE_WORDS = { added: 'is new', removed: 'was removed', changed: 'was changed' } as const;

/** Why a maker's findings differ, in words: the documents whose change can be the reason. */
export function causesText({ documents }: WhatIfDiff, makerId: string, causes: readonly string[]): string {
  if (causes.length === 0) return 'no changed document';
  const words = causes.map((cause) => {
    const document = documents.find(({ key }) => key === cause);
    if (document === undefined) return cause;
    return `${cause === makerId ? `the ${document.kind}` : `\`${document.title}\``} ${CAUSE_WORDS[document.change]}`;
  });
  return words.join('; ');
}

/** Title of a maker, as far as it found anything. */
export function makerTitle({ makers }: WhatIfDiff, makerId: string): string {
  return makers.find(({ maker }) => maker === makerId)?.title ?? makerId;
}
