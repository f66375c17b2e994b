import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { canonicalJson, formatRfc3339, parseSourceDeclarations, type Detection } from '@protego/contracts';
import type { HouseKeys } from '@protego/enclave';
import { fixedHouse } from '@protego/enclave/testing';
import {
  EventLogReader,
  EventLogWriter,
  exportBundle,
  subjectsOfRecord,
  writerAuthority,
  type LogAuthority,
} from '@protego/event-log';
import { inTemporaryDirectory } from '@protego/event-log/testing';
import { compileSigma, decidingText, type PipelineArtefacts } from '@protego/streams';
import { replayLogOf } from '../../replay-log';
import { runReplay } from '../../run/replay-lines';
import { listingHash, sha256Of } from '../claim-artefacts';
import { seqRangesOf, type DetectionClaim } from '../detection-claim';
import { planProof } from '../plan-proof';
import { proofLogOf } from '../proof-log';

/** SHA-256 that stands for the engine in these tests. */
export const ENGINE = 'e'.repeat(64);

const SITE = 'general-hospital';
const START_MS = Date.UTC(2026, 2, 2, 7);

const SOURCES = `
skewMaxMs: 60000
defaults: { latenessMs: 2000, idleAfterMs: 60000 }
sources:
  - { name: ehr, description: test }
`;
const PLACEHOLDERS = `
placeholders:
  service_accounts: [svc-backup]
`;
const RULES = [
  {
    path: 'members.yml',
    text: `
title: Sign-in failed
id: failed
logsource: { category: access.sign-in-failed, product: protego }
detection:
  selection: { user.uid|exists: true }
  service: { user.uid|expand: '%service_accounts%' }
  condition: selection and not service
---
title: Signed in
id: signed-in
logsource: { category: access.signed-in, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
`,
  },
  {
    path: 'single.yml',
    text: `
title: Privilege changed
id: privilege
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
level: low
protego: { why: '{user.uid} got other privileges.' }
`,
  },
  {
    path: 'late.yml',
    text: `
title: Emergency access
id: emergency
logsource: { category: access.break-glass-used, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
---
title: Second factor asked
id: second-factor
logsource: { category: access.mfa-challenged, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
`,
  },
  {
    path: 'many-failures.yml',
    text: `
title: Many failures
id: many-failures
correlation: { type: event_count, rules: [failed], group-by: [user.uid], timespan: 10s, condition: { gte: 4 } }
level: high
`,
  },
  {
    path: 'many-machines.yml',
    text: `
title: One account on many machines
id: many-machines
correlation: { type: value_count, rules: [signed-in], group-by: [user.uid], timespan: 10s, condition: { field: device.uid, gte: 3 } }
level: medium
`,
  },
  {
    path: 'failed-then-in.yml',
    text: `
title: Failures, then in
id: failed-then-in
correlation: { type: temporal_ordered, rules: [failed, signed-in], group-by: [user.uid], timespan: 10s }
level: high
`,
  },
];

/** A log with attacks in it, its detections, and what proofs are made of. */
export interface ProofHouse {
  readonly directory: string;
  readonly house: HouseKeys;
  readonly reader: EventLogReader;
  readonly authority: LogAuthority;
  readonly verifierKey: string;
  readonly artefacts: PipelineArtefacts;
  readonly detections: readonly { readonly detection: Detection; readonly seqs: readonly number[] }[];
  /** The detection of a rule; there is one of each. */
  of(ruleId: string): Detection;
  /** @param altered - what a run says in place of the detection that it made */
  plan(ruleId: string, recordsMax?: number, altered?: (detection: Detection) => Detection): Promise<DetectionClaim>;
  /** Writes a claim with the records that it asks for; the log's own key signs it. */
  write(claim: DetectionClaim): Promise<Buffer>;
}

/** An event of such a log. */
export interface Said {
  /** Event time, milliseconds after the first. */
  readonly atMs: number;
  /** When it came; {@link atMs} where it is missing. */
  readonly arrivedAtMs?: number;
  readonly source?: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** Ten minutes in which somebody signs in every second, and one person does what rules are about. */
function historyOf(): Said[] {
  const said: Said[] = [];
  for (let s = 0; s < 600; s++)
    said.push({
      atMs: s * 1_000,
      type: 'access.signed-in',
      data: { user: { uid: `nurse-${s % 50}` }, device: { uid: `pc-${s % 50}` } },
    });
  const by = (uid: string, s: number, type: string, device = 'pc-x'): void => {
    said.push({ atMs: s * 1_000 + 300, type, data: { user: { uid }, device: { uid: device } } });
  };
  // Six failures: the rule fires at the fourth.
  for (let i = 0; i < 6; i++) by('mallory', 400 + i, 'access.sign-in-failed');
  by('trudy', 450, 'access.signed-in', 'pc-1');
  by('trudy', 452, 'access.signed-in', 'pc-2');
  by('trudy', 455, 'access.signed-in', 'pc-3');
  by('oscar', 500, 'access.sign-in-failed');
  by('oscar', 504, 'access.signed-in');
  by('eve', 550, 'access.privilege-changed');
  for (let i = 0; i < 5; i++) by('svc-backup', 560 + i, 'access.sign-in-failed');
  // Late: the watermark had passed it.
  const data = (uid: string): Said['data'] => ({ user: { uid }, device: { uid: 'pc-x' } });
  said.push({ atMs: 300_200, arrivedAtMs: 310_200, type: 'access.break-glass-used', data: data('lara') });
  // Came after the lateness, but in time: another feed held the watermark back.
  said.push({ atMs: 540_100, type: 'access.signed-in', source: 'vpn', data: data('vera') });
  said.push({ atMs: 545_200, arrivedAtMs: 550_200, type: 'access.mfa-challenged', data: data('theo') });
  return said.sort((a, b) => (a.arrivedAtMs ?? a.atMs) - (b.arrivedAtMs ?? b.atMs));
}

/**
 * Lends a house; its log lies in a directory that is gone afterwards.
 *
 * @param history - in order of arrival; default: one detection of each rule
 */
export async function inProofHouse(
  use: (house: ProofHouse) => Promise<void>,
  history: readonly Said[] = historyOf(),
): Promise<void> {
  await inTemporaryDirectory(async (root) => {
    const directory = join(root, 'log');
    const house = await fixedHouse(join(root, 'keys'));
    const clock = { wallMs: () => START_MS + 3_600_000, monotonicMs: () => 0 };
    const writer = await EventLogWriter.open({
      directory,
      origin: `protego/${SITE}`,
      keys: house.keys,
      blockBytesMax: 16_384,
    });
    try {
      await writer.append(history.map((said, i) => inputOf(said, `e-${i}`)));
      const reader = await EventLogReader.open({ directory, keys: house.keys, subjectsOf: subjectsOfRecord });
      const authority = writerAuthority({ writer, clock, site: SITE });
      await authority.checkpoint();
      let number = 0;
      const made = await furnished({ directory, house, reader, authority, verifierKey: writer.identity.verifierKey });
      await use({
        ...made,
        write: async (claim) => {
          const file = join(root, `${number++}.proof`);
          const parts = { directory, reader, keys: house.keys, vault: house.vault, authority, clock };
          const selection = { seqRanges: seqRangesOf(claim) };
          await exportBundle({ ...parts, file, selection, purpose: 'test', claim: { ...claim } });
          return readFileSync(file);
        },
      });
    } finally {
      await writer.close();
      await house.close();
    }
  });
}

function inputOf(
  { atMs, arrivedAtMs: cameAtMs = atMs, source = 'ehr', type, data }: Said,
  id: string,
): Parameters<EventLogWriter['append']>[0][number] {
  const timeMs = START_MS + atMs;
  const arrivedAtMs = START_MS + cameAtMs;
  const event = { specversion: '1.0', id, source, type, time: formatRfc3339(timeMs), site: SITE, data };
  return { body: Buffer.from(canonicalJson(event)), type, timeMs, arrivedAtMs, recordedAtMs: arrivedAtMs };
}

type Furniture = Pick<ProofHouse, 'directory' | 'house' | 'reader' | 'authority' | 'verifierKey'>;

async function furnished(parts: Furniture): Promise<Omit<ProofHouse, 'write'>> {
  const { reader } = parts;
  const placeholders = new Map([['service_accounts', ['svc-backup']]]);
  const rules = compileSigma(RULES, { placeholders });
  if (rules.problems.length > 0) throw new Error(JSON.stringify(rules.problems));
  const artefacts = { rules, declarations: parseSourceDeclarations(SOURCES, 'sources.yaml') };
  const ruleFiles = [...RULES]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((file) => ({ path: file.path, text: decidingText(file) }));
  const declarations = [
    { path: 'sources.yaml', text: SOURCES },
    { path: 'placeholders.yaml', text: PLACEHOLDERS },
  ];
  const hashOf = (files: typeof ruleFiles): string =>
    listingHash(files.map(({ path, text }) => ({ path, sha256: sha256Of(text) })));
  const [sources, placeholderFile] = declarations.map((file) => hashOf([file])) as [string, string];
  const artefactHashes = { rules: hashOf(ruleFiles), sources, placeholders: placeholderFile };
  const outcome = await runReplay({ log: replayLogOf(reader), artefacts, artefactHashes, engine: ENGINE });
  const evidence = outcome.evidenceLines.map((line) => JSON.parse(line) as { seqs: number[] });
  const detections = outcome.detectionLines.map((line, i) => ({
    detection: JSON.parse(line) as Detection,
    seqs: (evidence[i] as { seqs: number[] }).seqs,
  }));
  const found = (ruleId: string): (typeof detections)[number] => {
    const [one, ...others] = detections.filter(({ detection }) => detection.ruleId === ruleId);
    if (one === undefined || others.length > 0) throw new Error(`there is not one detection of \`${ruleId}\``);
    return one;
  };
  const log = proofLogOf(reader);
  return {
    ...parts,
    artefacts,
    detections,
    of: (ruleId) => found(ruleId).detection,
    plan: (ruleId, recordsMax = 10_000, altered = (detection) => detection) =>
      planProof({
        ...found(ruleId),
        detection: altered(found(ruleId).detection),
        ...{ log, recordedSeq: null, artefacts, ruleFiles, declarations, artefactHashes, engine: ENGINE },
        ...{ recordsMax, bytesMax: 1 << 26 },
      }),
  };
}

/** What a detection is called when it says other things: whoever forges one can work it out as well. */
export function forgedId(detection: Detection, groupKey: string, refs: readonly (readonly [string, string])[]): string {
  const { ruleId, ruleHash, window } = detection;
  const times = [Date.parse(window.start), Date.parse(window.end)];
  const identity = canonicalJson([ruleId, ruleHash, groupKey, ...times, refs]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}
