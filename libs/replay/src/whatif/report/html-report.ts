import {
  badge,
  code,
  details,
  htmlPage,
  joined,
  list,
  note,
  paragraph,
  section,
  table,
  type Content,
  type Html,
} from '@protego/plots';
import { CHANGES, type Difference } from '../differences';
import type { AffectedRow } from '../affected';
import { failedGates } from '../gates';
import type { DocumentDiff, MakerSummary, WhatIfCost, WhatIfDiff } from '../whatif-shape';
import { dayLoadPlot, makerPlot, shiftPlot, wardDayPlot, wardLoadPlot } from './report-plots';
import {
  CHANGE_WORDS,
  VERDICT_WORDS,
  aboutText,
  aspectsText,
  causesText,
  countOf,
  countsText,
  makerTitle,
  nameOrUnknown,
  numberOf,
  rangeText,
  shareText,
  spanText,
  sumOfCounts,
  timeText,
  whyText,
} from './words';

/** Most differences of the page; `diff.json` has more. */
export const HTML_DIFFERENCES_MAX = 1_000;

/** A comparison as one HTML page that opens from disk and fetches nothing. */
export function htmlReport(diff: WhatIfDiff, cost?: WhatIfCost): string {
  return htmlPage({
    title: 'What if: candidate against baseline',
    subtitle: `${rangeText(diff)}; times in UTC`,
    parts: [
      section({ id: 'summary', heading: 'In short', parts: summaryParts(diff) }),
      section({ id: 'documents', heading: 'What differs between the sets', parts: documentParts(diff) }),
      section({ id: 'rules', heading: 'Rules', parts: [makerPlot(diff), makerTable(diff), shiftPlot(diff)] }),
      section({ id: 'affected', heading: 'Who and what is affected', parts: affectedParts(diff) }),
      ...labelSection(diff),
      section({ id: 'load', heading: 'Alert load', parts: [wardLoadPlot(diff), dayLoadPlot(diff), wardDayPlot(diff)] }),
      section({ id: 'differences', heading: 'Differences, one by one', parts: differenceParts(diff) }),
      section({ id: 'cost', heading: 'Cost', parts: [costTable(diff, cost)] }),
      section({ id: 'gates', heading: 'Gates', parts: [gateTable(diff)] }),
    ],
  });
}

function summaryParts(diff: WhatIfDiff): Html[] {
  const { baseline, candidate, kinds, affected } = diff;
  const failed = failedGates(diff.gates);
  const asked = diff.gates.filter(({ isAsked }) => isAsked);
  return [
    list([
      joined(['baseline: ', code(baseline.name)]),
      joined(['candidate: ', code(candidate.name)]),
      ...kinds.map((kind) => `${kind.kind}s: ${numberOf(kind.baseline)} before, ${numberOf(kind.candidate)} after`),
    ]),
    ...kinds.map((kind) => {
      const counts = CHANGES.filter((change) => kind[change] > 0);
      const badges = counts.flatMap((change) => [badge(`${kind[change]} ${CHANGE_WORDS[change]}`, change), ' ']);
      const same = `${numberOf(kind.same + kind.reissued)} the same`;
      return paragraph(joined([...badges, same]));
    }),
    ...kinds
      .filter(({ reissued }) => reissued > 0)
      .map(({ reissued }) =>
        note(
          `${countOf(reissued, 'detection')} that are the same have another id, because the content of their rule changed.`,
        ),
      ),
    ...kinds
      .filter(({ unexplained }) => unexplained > 0)
      .map(({ unexplained }) =>
        paragraph(
          joined([
            badge('warning', 'bad'),
            ` ${countOf(unexplained, 'difference')} that no changed document explains.`,
          ]),
        ),
      ),
    paragraph(
      `Affected: ${countOf(affected.persons, 'person')}, ${countOf(affected.patients, 'patient')}, ${countOf(affected.devices, 'device')}.`,
    ),
    ...(asked.length === 0
      ? []
      : [
          paragraph(
            failed.length === 0
              ? joined([badge('passed', 'good'), ` ${countOf(asked.length, 'gate')}`])
              : joined([badge('failed', 'bad'), ` ${failed.map(({ gate }) => gate).join(', ')}`]),
          ),
        ]),
  ];
}

function documentParts({ documents, leftOut }: WhatIfDiff): Html[] {
  const wrong = [
    ...leftOut.baseline.map((document) => ({ side: 'baseline', ...document })),
    ...leftOut.candidate.map((document) => ({ side: 'candidate', ...document })),
  ];
  return [
    table({
      id: 'documents-table',
      caption: countOf(documents.length, 'document'),
      columns: [{ name: 'change' }, { name: 'document' }, { name: 'what changed' }, { name: 'effect' }],
      rows: documents.map(documentRow),
      empty: 'the sets say the same',
    }),
    ...(wrong.length === 0
      ? []
      : [
          table({
            id: 'left-out-table',
            caption: 'Documents left out as wrong',
            columns: [{ name: 'side' }, { name: 'place' }, { name: 'problem' }],
            rows: wrong.map(({ side, path, line, code: problem, message }) => [
              side,
              code(`${path}:${line ?? 1}`),
              `${message} (${problem})`,
            ]),
          }),
        ]),
  ];
}

const DOCUMENT_BADGES = { added: 'added', removed: 'lost', changed: 'changed' } as const;

function documentRow({ change, kind, title, key, path, words, effects }: DocumentDiff): Content[] {
  const name = title === key ? joined([title]) : joined([title, ' ', code(key)]);
  return [
    badge(change, DOCUMENT_BADGES[change]),
    path === key ? name : joined([name, ` ${kind} in `, code(path)]),
    words.length === 0 ? '' : list(words.map(wordsOf)),
    countsText(effects),
  ];
}

function makerTable(diff: WhatIfDiff): Html {
  const { makers, labels } = diff;
  const differing = makers.filter((maker) => sumOfCounts(maker) > 0);
  const isLabelled = labels !== null;
  const numbers = ['before', 'after', ...CHANGES].map((name) => ({ name, isNumber: true }));
  return table({
    id: 'rules-table',
    caption: `${countOf(differing.length, 'rule')} with differences; ${countOf(makers.length - differing.length, 'rule')} with detections and none`,
    columns: [
      { name: 'rule' },
      ...numbers,
      { name: 'median shift', isNumber: true },
      ...(isLabelled ? [{ name: 'precision' }, { name: 'recall' }] : []),
      { name: 'because' },
    ],
    rows: differing.map((maker) => makerRow(diff, maker, isLabelled)),
    empty: 'no rule finds anything else than before',
  });
}

function makerRow(diff: WhatIfDiff, maker: MakerSummary, isLabelled: boolean): Content[] {
  const { title, maker: makerId, baseline, candidate, shiftMs, labels, causes } = maker;
  const median = shiftMs === null ? '' : `${shiftMs.median < 0 ? '−' : '+'}${spanText(shiftMs.median)}`;
  const pair = (of: 'precision' | 'recall'): string =>
    labels === null ? '' : `${shareText(labels.baseline[of])}, now ${shareText(labels.candidate[of])}`;
  return [
    title,
    String(baseline),
    String(candidate),
    ...CHANGES.map((change) => String(maker[change])),
    median,
    ...(isLabelled ? [pair('precision'), pair('recall')] : []),
    causesOf(diff, makerId, causes),
  ];
}

/** Words with what stands between backticks set as code. */
function wordsOf(text: string): Content {
  return joined(text.split('`').map((part, at) => (at % 2 === 0 ? part : code(part))));
}

function causesOf(diff: WhatIfDiff, makerId: string, causes: readonly string[]): Content {
  const words = causesText(diff, makerId, causes);
  return causes.length === 0 ? badge(words, 'bad') : wordsOf(words);
}

function affectedParts({ affected }: WhatIfDiff): Html[] {
  const { byWard, byRole, byDevice, devices } = affected;
  const more = devices - byDevice.length;
  return [
    affectedTable('affected-wards', 'By ward', 'ward', byWard),
    affectedTable('affected-roles', 'By role', 'role', byRole),
    details(`By device (${countOf(devices, 'device')})`, [
      affectedTable('affected-devices', 'By device', 'device', byDevice),
      ...(more > 0 ? [note(`${numberOf(more)} more devices are left out here.`)] : []),
    ]),
  ];
}

function affectedTable(id: string, caption: string, what: string, rows: readonly AffectedRow[]): Html {
  const counts = [...CHANGES, 'persons', 'patients'] as const;
  return table({
    ...{ id, caption, empty: 'no difference' },
    columns: [{ name: what }, ...counts.map((name) => ({ name, isNumber: true }))],
    rows: rows.map((row) => [nameOrUnknown(row.name), ...counts.map((name) => String(row[name]))]),
  });
}

function labelSection(diff: WhatIfDiff): Html[] {
  const { labels } = diff;
  if (labels === null) return [];
  const { baseline, candidate, lostAttacks, foundAttacks } = labels;
  const rows: readonly (readonly [string, string, string])[] = [
    ['precision: detections that belong to an attack', shareText(baseline.precision), shareText(candidate.precision)],
    ['recall: attacks found', shareText(baseline.recall), shareText(candidate.recall)],
    [
      'attacks found',
      `${baseline.attacksFound} of ${baseline.attacks}`,
      `${candidate.attacksFound} of ${candidate.attacks}`,
    ],
    ['true positives', String(baseline.truePositives), String(candidate.truePositives)],
    ['false alarms', String(baseline.falsePositives), String(candidate.falsePositives)],
    ['of these on look-alikes', String(baseline.onTwins), String(candidate.onTwins)],
  ];
  const columns = [{ name: 'measure' }, { name: 'before', isNumber: true }, { name: 'after', isNumber: true }];
  const attacks = [
    ...lostAttacks.map((attack) => ({ what: badge('not found any more', 'bad'), attack })),
    ...foundAttacks.map((attack) => ({ what: badge('found now', 'good'), attack })),
  ];
  return [
    section({
      id: 'labels',
      heading: 'Against the labels',
      parts: [
        table({ id: 'labels-table', caption: 'Precision and recall', columns, rows }),
        table({
          id: 'attacks-table',
          caption: 'Attacks that one run finds and the other does not',
          columns: [{ name: '' }, { name: 'attack' }, { name: 'began' }, { name: 'found by' }],
          rows: attacks.map(({ what, attack: { label, activity, startsAt, makers } }) => [
            what,
            joined([`${activity} `, code(label)]),
            timeText(startsAt),
            makers.map((maker) => makerTitle(diff, maker)).join(', '),
          ]),
        }),
      ],
    }),
  ];
}

function differenceParts(diff: WhatIfDiff): Html[] {
  const { differences, differencesLeftOut } = diff;
  const shown = differences.slice(0, HTML_DIFFERENCES_MAX);
  const left = differences.length - shown.length + differencesLeftOut;
  const isLabelled = shown.some(({ verdict }) => verdict !== null);
  return [
    table({
      id: 'differences-table',
      caption: countOf(differences.length + differencesLeftOut, 'difference'),
      columns: [
        { name: 'change' },
        { name: 'certain at', isNumber: true },
        { name: 'shift', isNumber: true },
        { name: 'rule and what it says' },
        { name: 'ward' },
        { name: 'about' },
        ...(isLabelled ? [{ name: 'label' }] : []),
        { name: 'because' },
      ],
      rows: shown.map((difference) => differenceRow(diff, difference, isLabelled)),
    }),
    ...(left > 0 ? [note(`${numberOf(left)} more differences are left out here; diff.json says more.`)] : []),
  ];
}

function differenceRow(diff: WhatIfDiff, difference: Difference, isLabelled: boolean): Content[] {
  const { change, makerId, baseline, candidate, shiftMs, title, affected, verdict, causes, aspects } = difference;
  const shift = shiftMs === null || shiftMs === 0 ? '' : `${shiftMs < 0 ? '−' : '+'}${spanText(shiftMs)}`;
  const verdictBadge = verdict === null ? '' : badge(VERDICT_WORDS[verdict], verdict === 'attack' ? 'good' : 'bad');
  return [
    badge(change, change),
    timeText((candidate ?? baseline)?.certainAt ?? ''),
    shift,
    joined([title, ': ', aspects.length > 0 ? aspectsText(difference) : whyText(difference)]),
    nameOrUnknown(affected.ward),
    aboutText(difference),
    ...(isLabelled ? [verdictBadge] : []),
    causesOf(diff, makerId, causes),
  ];
}

function costTable({ baseline, candidate }: WhatIfDiff, cost?: WhatIfCost): Html {
  const numbers = ['events', 'late', 'skewed', 'ruleFailed', 'undecidable'] as const;
  const names = ['events', 'late', 'skewed', 'rule failures', 'undecidable'];
  const sides = [
    { name: 'baseline', side: baseline, took: cost?.baseline },
    { name: 'candidate', side: candidate, took: cost?.candidate },
  ];
  return table({
    id: 'cost-table',
    caption: 'What the runs read and took',
    columns: ['run', ...names, 'seconds', 'events a second'].map((name, at) => ({ name, isNumber: at > 0 })),
    rows: sides.map(({ name, side, took }) => [
      name,
      ...numbers.map((key) => numberOf(side.counts[key])),
      took === undefined ? '' : (took.elapsedMs / 1_000).toFixed(1),
      took === undefined ? '' : numberOf(took.eventsPerSecond),
    ]),
  });
}

function gateTable({ gates }: WhatIfDiff): Html {
  const failed = new Set(failedGates(gates));
  return table({
    id: 'gates-table',
    caption: 'Gates; those that were not asked for are counted only',
    columns: [{ name: 'gate' }, { name: 'result' }, { name: 'count', isNumber: true }, { name: 'of what' }],
    rows: gates.map((result) => [
      code(result.gate),
      failed.has(result) ? badge('failed', 'bad') : result.isAsked ? badge('passed', 'good') : 'not asked for',
      result.failures === null ? 'needs labels' : String(result.failures),
      result.words,
    ]),
  });
}
