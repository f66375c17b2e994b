import { pipe } from 'rxjs';
import { elementOperator } from '../operators/element-operator';
import { TumblingWindows, tumblingWindow, type TumblingPane } from '../operators/tumbling-window';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Known,
  type Observation,
} from './detector';
import type { FileFact } from './facts';

const PARAMETERS = {
  windowMs: 60_000,
  filesMin: 60,
  /** Bits a byte: text lies near 4.5, compressed and encrypted content near 8. */
  entropyMin: 7.5,
  /** Files remembered per device and window; those beyond are counted only. */
  filesMax: 1_000,
  devicesMax: 10_000,
};

/** One device's files in one minute: the first event of each, and how many changes of others there were. */
type Burst = { readonly files: Record<string, EventRef>; fileCount: number; unkeptCount: number };

/**
 * A device that rewrites many distinct files with high-entropy content in one minute. While work on it is announced, files that are
 * new do not count: archives and backups write such files, and ransomware that nobody announced is found by what it replaces.
 */
export const ENCRYPTION_BURST: Detector<'file'> = {
  rule: detectorRule({
    id: 'encryption-burst',
    version: 3,
    parameters: PARAMETERS,
    title: 'Many files turned unreadable within a minute',
    level: 'critical',
    attack: ['impact', 'T1486'],
    wording: {
      confidence: 'medium',
      why: '{count} files on {device.uid} were rewritten within one minute and now look unreadable, as extortionists do it who lock a hospital out of its records.',
      nextStep:
        'Call the IT security desk now and unplug the network cable of {device.uid}, unless a patient depends on it. Work on paper until the desk says otherwise.',
      harmlessExplanation:
        'A planned backup, or an archive that packs many files on this machine. The IT service desk knows.',
      entities: [{ kind: 'device', field: 'device.uid' }],
    },
  }),
  kinds: ['file'],
  isWanted: ({ entropy }) => entropy >= PARAMETERS.entropyMin,
  begin,
};

function begin({ work }: Known): DetectorRun<FileFact> {
  const windows = new TumblingWindows<Burst>(PARAMETERS.devicesMax);
  const panes = tumblingWindow<Observation<FileFact>, Burst>(
    {
      windowMs: PARAMETERS.windowMs,
      ordered: true,
      keyOf: ({ fact, timeMs }) => (fact.isNew && work.isOn(fact.device, timeMs) ? undefined : fact.device),
      initial: () => ({ files: {}, fileCount: 0, unkeptCount: 0 }),
      add: withFile,
    },
    windows,
  );
  return runOver(windows, {
    counters: () => ({
      encryptionBurstWindows: windows.panes.size,
      encryptionBurstWindowsEvicted: windows.panes.evictedCount,
    }),
    detections: pipe(
      panes,
      elementOperator<TumblingPane<Burst>, DetectionResult>((out) => ({
        next: (pane) => {
          if (pane.value.fileCount >= PARAMETERS.filesMin) out.next(detectionOf(pane));
        },
      })),
    ),
  });
}

function withFile(burst: Burst, observation: Observation<FileFact>): Burst {
  // The slash keeps file names such as `__proto__` apart from what objects have of their own.
  const file = `/${observation.fact.file}`;
  if (burst.files[file] !== undefined) return burst;
  if (burst.fileCount >= PARAMETERS.filesMax) burst.unkeptCount++;
  else {
    burst.fileCount++;
    burst.files[file] = refOf(observation);
  }
  return burst;
}

function detectionOf({ key, startMs, endMs, value }: TumblingPane<Burst>): DetectionResult {
  const refs = Object.values(value.files);
  const values = { count: String(refs.length), 'device.uid': key };
  return detectionBy(ENCRYPTION_BURST.rule, {
    group: [key],
    startMs,
    endMs,
    certainAtMs: endMs,
    refs,
    values,
  });
}
