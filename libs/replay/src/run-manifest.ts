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
    /** First record that was read. */
    readonly readFrom: number;
    /** Results certain before this event time were left out; null for none. RFC 3339. */
    readonly emitFrom: string | null;
    /** Results certain at or after this event time were left out; null for none. RFC 3339. */
    readonly emitTo: string | null;
    readonly by: 'time';
  };
  /** Name → SHA-256 of what the pipeline was built from. */
  readonly artefacts: Readonly<Record<string, string>>;
  /** SHA-256 of the code that made the results. */
  readonly engine: string;
  /**
   * Size of the log just after the last erasure in it, 0 without one: runs over one log can differ only if this does.
   */
  readonly erasuresAt: number;
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

/** How much a run read and made. */
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
  return manifest as RunManifest;
}
