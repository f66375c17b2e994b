import { ProtegoError } from '@protego/contracts';
import { hasTypeBit, typeBitOf, type TimeRange, type TypesBitmap } from '../blocks/block-format';
import type { BlockView } from '../blocks/block-view';
import type { LogRecord } from '../log-record';
import { SubjectProbe } from '../blocks/subject-filter';

/** Names under which a stored record is found: what the writer was given as its subjects. */
export type SubjectsOf = (record: LogRecord) => readonly string[];

/** Which records are wanted; all that is given must hold. */
export interface RecordCriteria {
  /** Least event time, milliseconds since the Unix epoch. */
  readonly fromTimeMs?: number;
  /** Event time after the last that is wanted. */
  readonly toTimeMs?: number;
  /** Types, each as it is (`device.joined`) or a family (`device.*`); one of them must fit. */
  readonly types?: readonly string[];
  /** Names; a record must have one of them among its subjects. */
  readonly subjects?: readonly string[];
}

const FAMILY_END = '.*';

/** Chooses records by criteria, and blocks that may hold such records. */
export class RecordChoice {
  private readonly fromTimeMs: number;
  private readonly toTimeMs: number;
  private readonly exactTypes: ReadonlySet<string> | undefined;
  private readonly families: readonly string[];
  /** Bits of the wanted types; undefined when the bitmap cannot tell. */
  private readonly typeBits: readonly number[] | undefined;
  private readonly subjects: ReadonlySet<string> | undefined;
  private readonly probe: SubjectProbe | undefined;

  /**
   * @param subjectKey 16 bytes, {@link LogKeys.subjectKey}
   * @throws ProtegoError `INTERNAL` when subjects are wanted and nothing tells the subjects of a record
   */
  constructor(
    criteria: RecordCriteria,
    subjectKey: Buffer,
    private readonly subjectsOf: SubjectsOf | undefined,
  ) {
    const { fromTimeMs = -Infinity, toTimeMs = Infinity, types, subjects } = criteria;
    this.fromTimeMs = fromTimeMs;
    this.toTimeMs = toTimeMs;
    const isFamily = (type: string): boolean => type.endsWith(FAMILY_END);
    this.families = types?.filter(isFamily).map((type) => type.slice(0, 1 - FAMILY_END.length)) ?? [];
    this.exactTypes = types && new Set(types.filter((type) => !isFamily(type)));
    this.typeBits = this.families.length > 0 ? undefined : types?.map(typeBitOf);
    if (subjects === undefined) return;
    if (subjectsOf === undefined) throw new ProtegoError('INTERNAL', 'a query by subject needs `subjectsOf`');
    this.subjects = new Set(subjects);
    this.probe = new SubjectProbe(subjects, subjectKey);
  }

  /** False only when no record of the block can be wanted. */
  mayHold(block: TimeRange & { readonly types: TypesBitmap }, filter: Buffer): boolean {
    return this.mayFit(block) && this.mayName(filter);
  }

  /** False only when its times or types exclude every record of the block. */
  mayFit(block: TimeRange & { readonly types: TypesBitmap }): boolean {
    if (block.timeMsMax < this.fromTimeMs || block.timeMsMin >= this.toTimeMs) return false;
    return this.typeBits?.some((bit) => hasTypeBit(block.types, bit)) !== false;
  }

  /** False only when no record of the block that has this subject filter names a wanted subject. */
  mayName(filter: Buffer): boolean {
    return this.probe === undefined || this.probe.mayMatch(filter);
  }

  /** Numbers of the wanted records among records `from` to `to - 1` of a block, in order. */
  wantedIn(block: BlockView, from: number, to: number): number[] {
    const wanted: number[] = [];
    const isWantedType = block.types.map((type) => this.isWantedType(type));
    if (!isWantedType.includes(true)) return wanted;
    for (let i = from; i < to; i++) {
      const timeMs = block.timeMsAt(i);
      if (timeMs < this.fromTimeMs || timeMs >= this.toTimeMs) continue;
      if (isWantedType[block.typeIndexAt(i)] === true && this.hasWantedSubject(block, i)) wanted.push(i);
    }
    return wanted;
  }

  private isWantedType(type: string): boolean {
    const { exactTypes } = this;
    return exactTypes === undefined || exactTypes.has(type) || this.families.some((family) => type.startsWith(family));
  }

  private hasWantedSubject(block: BlockView, i: number): boolean {
    const { subjects } = this;
    return subjects === undefined || this.subjectsOf?.(block.recordAt(i)).some((name) => subjects.has(name)) === true;
  }
}
