import { ProtegoError } from './error';
import type { EventData } from './event';

/** First token of a type: decides who may write it and on which subject it travels. */
export type EventFamily = string;

/** JSON Schema (draft 2020-12) as a plain object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One version of one event type. */
export interface EventTypeVersion {
  readonly type: string;
  readonly version: number;
  /** One sentence for the reference. */
  readonly description: string;
  /** Schema of `data`. */
  readonly dataSchema: JsonSchema;
  /** Lifts `data` of the version before to this one; pure. Missing on version 1. */
  readonly upcast?: (data: EventData) => EventData;
}

const DATASCHEMA = /^urn:protego:([a-z0-9.-]+)@([1-9]\d{0,5})$/;

/** `urn:protego:<type>@<version>`. */
export function dataschemaOf(type: string, version: number): string {
  return `urn:protego:${type}@${version}`;
}

/** First token of a dotted event type. */
export function familyOf(type: string): EventFamily {
  const dot = type.indexOf('.');
  return dot < 0 ? type : type.slice(0, dot);
}

/** Event types by name and version, with pure upcasters from each version to the next. */
export class EventRegistry {
  readonly #versions = new Map<string, EventTypeVersion[]>();

  /** @throws ProtegoError `INTERNAL` when versions of a type are not 1, 2, 3 … or an upcaster is missing. */
  constructor(entries: readonly EventTypeVersion[]) {
    for (const entry of entries) {
      const versions = this.#versions.get(entry.type) ?? [];
      const isNext = entry.version === versions.length + 1;
      if (!isNext || (entry.version > 1 && entry.upcast === undefined)) {
        throw new ProtegoError(
          'INTERNAL',
          `event type \`${entry.type}\` lacks a gapless chain of versions and upcasters`,
        );
      }
      versions.push(entry);
      this.#versions.set(entry.type, versions);
    }
  }

  /** All types, in the order of registration. */
  types(): string[] {
    return [...this.#versions.keys()];
  }

  /** Latest version of every type. */
  latest(): EventTypeVersion[] {
    return [...this.#versions.values()].map((versions) => versions[versions.length - 1] as EventTypeVersion);
  }

  /** Every version of every type. */
  all(): EventTypeVersion[] {
    return [...this.#versions.values()].flat();
  }

  /**
   * Latest version number of a type.
   *
   * @throws ProtegoError `EVENT_TYPE_UNKNOWN`
   */
  latestVersionOf(type: string): number {
    this.resolve(type);
    return (this.#versions.get(type) as EventTypeVersion[]).length;
  }

  /**
   * The registered version that a type and a `dataschema` name; version 1 where `dataschema` is missing.
   *
   * @throws ProtegoError `EVENT_TYPE_UNKNOWN`, `EVENT_VERSION_UNKNOWN`, or `EVENT_ENVELOPE_INVALID` when the
   *   `dataschema` belongs to another type.
   */
  resolve(type: string, dataschema?: string): EventTypeVersion {
    const versions = this.#versions.get(type);
    if (versions === undefined)
      throw new ProtegoError('EVENT_TYPE_UNKNOWN', `event type \`${type}\` is not known`, { type });
    const version = dataschema === undefined ? 1 : versionOf(type, dataschema);
    const entry = versions[version - 1];
    if (entry === undefined) {
      throw new ProtegoError('EVENT_VERSION_UNKNOWN', `version ${version} of \`${type}\` is not known`, {
        type,
        version,
        versionMax: versions.length,
      });
    }
    return entry;
  }

  /**
   * `data` lifted to the latest version of its type. Stored bytes never change; readers lift.
   *
   * @throws ProtegoError as {@link resolve} does.
   */
  upcast(type: string, dataschema: string | undefined, data: EventData): EventData {
    const stored = this.resolve(type, dataschema);
    const versions = this.#versions.get(type) as EventTypeVersion[];
    let lifted = data;
    for (const next of versions.slice(stored.version)) lifted = (next.upcast as (data: EventData) => EventData)(lifted);
    return lifted;
  }
}

function versionOf(type: string, dataschema: string): number {
  const match = DATASCHEMA.exec(dataschema);
  if (match === null || match[1] !== type) {
    throw new ProtegoError('EVENT_ENVELOPE_INVALID', `dataschema \`${dataschema}\` does not name type \`${type}\``, {
      field: 'dataschema',
    });
  }
  return Number(match[2]);
}
