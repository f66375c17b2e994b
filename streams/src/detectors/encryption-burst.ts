import { createHash } from 'node:crypto';
import { canonicalJson, type LoggedEvent } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import { buildDetection, type RuleIdentity } from '../detection-builder';
import { branches } from '../operators/branches';
import { elementOperator } from '../operators/element-operator';
import { TumblingWindows, tumblingWindow, type TumblingPane } from '../operators/tumbling-window';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import { pseudonymiseWith } from '../pseudonyms';
import type { DetectionResult, PipelineResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import { erasedFieldsOf } from '../sigma/erased-fields';

const WINDOW_MS = 60_000;
const FILES_MIN = 60;
/** Bits per byte: text lies near 4.5, compressed and encrypted content near 8. */
const ENTROPY_MIN = 7.5;
/** Files remembered per device and window; those beyond are counted only. */
const FILES_MAX = 1_000;

const PARAMETERS = { detector: 'encryption-burst', version: 1, WINDOW_MS, FILES_MIN, ENTROPY_MIN, FILES_MAX };

/** What the detector says of itself. */
export const ENCRYPTION_BURST: RuleIdentity = {
  id: 'encryption-burst',
  contentHash: createHash('sha256').update(canonicalJson(PARAMETERS)).digest('hex'),
  title: 'Many files turned unreadable within a minute',
  level: 'critical',
  attack: ['impact', 'T1486'],
  falsePositives: [],
  wording: {
    confidence: 'medium',
    why: '{count} files on {device.uid} were rewritten within one minute and now look encrypted, as ransomware does it.',
    nextStep:
      'Call the security desk now and unplug the network cable of {device.uid}, unless a patient depends on it.',
    harmlessExplanation: 'A planned backup or archive job that compresses many files on this machine.',
    entities: [{ kind: 'device', field: 'device.uid' }],
  },
};

/** One device's files in one minute: the event that stands for each, and how many more there were than are kept. */
type Burst = { fileCount: number; unkeptCount: number; files: Record<string, EventRef> };

/** Open windows of the detector. */
export class EncryptionBurstStore implements StateStore {
  readonly windows = new TumblingWindows<Burst>();

  /** Windows open and evicted. */
  counters(): Record<string, number> {
    const { size, evictedCount } = this.windows.panes;
    return { encryptionBurstWindows: size, encryptionBurstWindowsEvicted: evictedCount };
  }

  snapshot(): Json {
    return this.windows.snapshot();
  }

  restore(state: Json): void {
    this.windows.restore(state);
  }
}

/** Raises a detection when one device rewrites many distinct files with high-entropy content in one minute. */
export function detectEncryptionBursts(
  store: EncryptionBurstStore,
): OperatorFunction<StreamElement<LoggedEvent>, PipelineResult> {
  return branches<StreamElement<LoggedEvent>, PipelineResult>(undecidableChanges, countBursts(store));
}

function countBursts(store: EncryptionBurstStore): OperatorFunction<StreamElement<LoggedEvent>, DetectionResult> {
  const panes = tumblingWindow<LoggedEvent, Burst>(
    {
      windowMs: WINDOW_MS,
      keyOf: deviceOf,
      initial: () => ({ fileCount: 0, unkeptCount: 0, files: {} }),
      add: addFile,
    },
    store.windows,
  );
  const decide = elementOperator<TumblingPane<Burst>, DetectionResult>((out) => ({
    next: (pane) => {
      if (pane.value.fileCount >= FILES_MIN) out.next(detectionOf(pane));
    },
  }));
  return (source) => decide(panes(source));
}

/** Changes that would count if anybody could still say which file they changed. */
const undecidableChanges: OperatorFunction<StreamElement<LoggedEvent>, PipelineResult> = elementOperator((out) => ({
  next: (element) => {
    if (element.kind === 'watermark' || element.timing !== 'on-time') return;
    const { event } = element;
    if (event.erased === undefined || changedDeviceOf(event) === undefined || !isFileErased(event)) return;
    out.next({ kind: 'undecidable', ruleId: ENCRYPTION_BURST.id, fields: [fileFieldOf(event)], event });
  },
}));

/** Device of an event that counts; of those with an erased file nobody knows whether it was counted already. */
function deviceOf(logged: LoggedEvent): string | undefined {
  const device = changedDeviceOf(logged);
  return device === undefined || isFileErased(logged) ? undefined : pseudonymiseWith(logged.pseudonyms)(device);
}

function changedDeviceOf({ event }: LoggedEvent): string | undefined {
  if (event.type !== 'device.file-changed') return undefined;
  const { device, file } = event.data as { device: { uid: string }; file: { entropy?: unknown } };
  return typeof file.entropy === 'number' && file.entropy >= ENTROPY_MIN ? device.uid : undefined;
}

function isFileErased(logged: LoggedEvent): boolean {
  return logged.erased !== undefined && erasedFieldsOf(logged.erased)(fileFieldOf(logged));
}

function fileFieldOf({ event }: LoggedEvent): string {
  return (event.data as { file: { path?: string } }).file.path === undefined ? 'file.name' : 'file.path';
}

function addFile(burst: Burst, { seq, event, pseudonyms }: LoggedEvent): Burst {
  const { path, name } = (event.data as { file: { path?: string; name?: string } }).file;
  // The slash keeps file names such as `__proto__` apart from what objects have of their own.
  const file = `/${pseudonymiseWith(pseudonyms)(path ?? name ?? '')}`;
  const known = burst.files[file];
  if (known === undefined) {
    if (burst.fileCount >= FILES_MAX && !makeRoom(burst, file)) return burst;
    burst.fileCount++;
  } else if (!standsBefore(event, known)) return burst;
  burst.files[file] = [seq, event.source, event.id];
  return burst;
}

// Which event stands for a file must not depend on arrival order.
function standsBefore(event: { source: string; id: string }, [, source, id]: EventRef): boolean {
  return event.source === source ? event.id < id : event.source < source;
}

// The files that come first by name stay, so that what is kept does not depend on arrival order either.
function makeRoom(burst: Burst, file: string): boolean {
  burst.unkeptCount++;
  const last = Object.keys(burst.files).reduce((a, b) => (a > b ? a : b));
  if (file >= last) return false;
  delete burst.files[last];
  burst.fileCount--;
  return true;
}

function detectionOf({ key, startMs, endMs, value }: TumblingPane<Burst>): DetectionResult {
  const refs = Object.values(value.files).sort((a, b) =>
    a[1] === b[1] ? (a[2] < b[2] ? -1 : 1) : a[1] < b[1] ? -1 : 1,
  );
  const values: Readonly<Record<string, string>> = { count: String(refs.length), 'device.uid': key };
  return buildDetection({
    rule: ENCRYPTION_BURST,
    groupKey: canonicalJson([key]),
    startMs,
    endMs,
    certainAtMs: endMs,
    refs,
    textOf: (name) => values[name],
    timing: 'on-time',
  });
}
