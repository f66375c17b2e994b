import type { ProofReport } from '@protego/replay/standalone';

/** What is said about a proof: for programs as one JSON object, for people as lines. */
export interface ProofWords {
  readonly json: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

const UNCOMPARED =
  'warning: checked against the key inside the file; compare it with the key that the owner of the log publishes, or name that with --key:';

/** Puts the report of a check into words. Nothing of the file can steer the terminal. */
export function proofWords(report: ProofReport): ProofWords {
  const { verdict, code, reason, seq, notes, leftOut, recordsRun, isKeyGiven, claim, manifest } = report;
  const { origin, verifierKey, checkpoint, bundle, records, createdAt } = manifest ?? {};
  const log = { origin, size: sizeIn(checkpoint), verifierKey, bundle, createdAt };
  const facts = {
    detection: claim?.detection,
    seqs: claim?.seqs,
    recordedSeq: claim?.recordedSeq,
    coverage: claim?.coverage,
    fields: claim?.fields,
    engine: claim?.engine,
    artefacts: claim?.artefacts,
    records,
    log,
  };
  const lines = [
    `${verdict}: ${reason} (${code})`,
    ...notes.map((note) => `note: ${note}`),
    ...(claim === undefined ? [] : detectionLines(report)),
    ...(isKeyGiven || manifest === undefined ? [] : [UNCOMPARED, `  ${String(verifierKey)}`]),
  ];
  const ok = verdict === 'VALID';
  return {
    json: {
      ...{ ok, verdict, code, reason, ...(seq === undefined ? {} : { seq }), notes, leftOut },
      ...{ recordsRun, isKeyGiven, ...facts },
    },
    lines: lines.map(plain),
  };
}

function detectionLines({ claim, manifest }: ProofReport): string[] {
  if (claim === undefined) return [];
  const { detection, seqs, recordedSeq, coverage, fields } = claim;
  const range =
    coverage.kind === 'range' ? `all records ${coverage.fromSeq} to ${coverage.toSeq - 1}` : `its events only`;
  return [
    `  detection: ${detection.id}, ${detection.severity}, certain at ${detection.certainAt}`,
    `  title: ${detection.title}`,
    `  why: ${detection.why}`,
    `  rule: ${detection.ruleId}, hash ${detection.ruleHash}`,
    `  events: ${seqs.length}, seq ${seqs[0]} to ${seqs.at(-1)}; the proof holds ${range}`,
    `  recorded in the log: ${recordedSeq === null ? 'no, it is from a replay' : `at seq ${recordedSeq}`}`,
    `  personal fields: ${fields === 'stored' ? 'read as pseudonyms' : 'read in clear'}`,
    `  log: ${String(manifest?.['origin'])}, ${sizeIn(manifest?.['checkpoint'])} records`,
  ];
}

function sizeIn(checkpoint: unknown): number {
  return Number(String(checkpoint).split('\n')[1]);
}

/** Text of a value that came from a file, with nothing in it that could steer a terminal. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}
