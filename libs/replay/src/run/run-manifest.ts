import { ProtegoError, canonicalJson } from '@protego/contracts';
import type { MuteOption } from '@protego/streams';

/** What a replay read, used and made; enough to run it again and compare. */
export interface RunManifest {
  readonly version: 1;
  readonly log: {
    readonly origin: string;
    /** RFC 6962 root (hex) over the records that were read. */
    readonly root: string;
    readonly size: number;
  };
  readonly range: {
    /** First record that the log held: the results rest on it and those after it, be they read or judged in a snapshot. */
    readonly firstSeq: number;
    /** First record that was read. */
    readonly readFrom: number;
    /**
     * Results before it were left out; null for none. By `time`: those certain before this event time, RFC 3339; by `seq`: those
     * found while an earlier record was judged.
     */
    readonly emitFrom: string | number | null;
    /** Results at or after it were left out, in the same way; null for none. */
    readonly emitTo: string | number | null;
    readonly by: 'time' | 'seq';
  };
  /** Name → SHA-256 of what the pipeline was built from. */
  readonly artefacts: Readonly<Record<string, string>>;
  /** SHA-256 of the code that made the results. */
  readonly engine: string;
  /**
   * Size of the log just after the last erasure in it, be it beyond what was read; 0 without one: runs over one log can differ only
   * if this does.
   */
  readonly erasuresAt: number;
  /** Whether events were judged with what was known of the house when they came, or with all that the log knows. */
  readonly knowledge: 'then' | 'now';
  /** Whether mutes and acknowledgements counted, how many events there were about them, and what they did. */
  readonly mutes: {
    readonly option: MuteOption;
    readonly events: number;
    /** Detections with the status `muted`. */
    readonly muted: number;
    /** Detections with the status `updated`. */
    readonly updated: number;
  };
  /** RFC 6962 root (hex) over the lines of `detections.jsonl`. */
  readonly outputHash: string;
  readonly counts: RunCounts;
}

/** How much a run read and made. All but `detections` and `byRule` are of everything that it rests on, whatever is wanted of it. */
export interface RunCounts {
  readonly records: number;
  readonly events: number;
  readonly detections: number;
  readonly late: number;
  readonly skewed: number;
  readonly ruleFailed: number;
  /** How often a rule could not be decided for a record, because of erased fields. */
  readonly undecidable: number;
  /** Detections per rule id. */
  readonly byRule: Readonly<Record<string, number>>;
}

/** The manifest as the bytes of `manifest.json`: canonical JSON and a newline. */
export function manifestText(manifest: RunManifest): string {
  return `${canonicalJson(manifest)}\n`;
}

/**
 * Reads a manifest that {@link manifestText} wrote.
 *
 * @throws ProtegoError `MANIFEST_INVALID`
 */
export function parseManifest(text: string): RunManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ProtegoError('MANIFEST_INVALID', 'manifest is not JSON', {}, { cause: error });
  }
  const manifest = value as Partial<RunManifest> | null;
  const isWhole =
    manifest?.version === 1 &&
    manifest.log &&
    manifest.range &&
    manifest.artefacts &&
    typeof manifest.outputHash === 'string';
  if (!isWhole)
    throw new ProtegoError('MANIFEST_INVALID', 'manifest lacks version, log, range, artefacts or outputHash');
  const whole = manifest as RunManifest;
  // Manifests that do not say where the log began are held to what was read.
  const { firstSeq = whole.range.readFrom } = whole.range as Partial<RunManifest['range']>;
  return { ...whole, range: { ...whole.range, firstSeq } };
}
