import type { LogProblemKind } from '../../index';
import type { SeededRandom } from '../index';
import type { CleanLog, SegmentAt } from './tamper-log';

/** What was done to a log, and what a verification has to say of it. */
export interface TamperCase {
  readonly changes: ReadonlyMap<string, Buffer | undefined>;
  /** Checkpoint that a subscriber brings. */
  readonly against?: string;
  readonly kind: LogProblemKind;
  /** Range that one problem of that kind names; undefined where no record is concerned. */
  readonly seq?: number;
  readonly seqEnd?: number;
  /** Kinds that may be reported as well. */
  readonly also?: readonly LogProblemKind[];
}

/** Does something to a log; undefined when this log has no place for it. */
export type Attack = (log: CleanLog, random: SeededRandom) => TamperCase | undefined | Promise<TamperCase | undefined>;

/** One file changed; undefined removes it. */
export const changed = (path: string, content: Buffer | undefined): Map<string, Buffer | undefined> =>
  new Map([[path, content]]);

/** Content of a file of the log. */
export const fileOf = (log: CleanLog, path: string): Buffer => log.files.get(path) as Buffer;

/** The segment that is still growing. */
export const lastSegment = (log: CleanLog): SegmentAt => log.segments.at(-1) as SegmentAt;

/** A tile file and where it stands. */
export interface TileAt {
  readonly path: string;
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** All tile files. */
export function tilesOf(log: CleanLog): TileAt[] {
  return [...log.files.keys()].flatMap((path) => {
    const [, level, groups = '', width] = /^tile\/(\d+)\/([x\d/]+)(?:\.p\/(\d+))?$/.exec(path) ?? [];
    if (level === undefined) return [];
    return [{ path, level: Number(level), index: Number(groups.replaceAll(/[x/]/g, '')), width: Number(width ?? 256) }];
  });
}

/** First leaf under a hash of a tile. */
export const tileSeq = ({ level, index }: TileAt, hash: number): number => (index * 256 + hash) * 256 ** level;
