import { LearningCredit, type FieldPlan, type ProtegoEvent } from '@protego/contracts';
import { SHAPE_LEAVES_MAX, shapeOf, type EventShape, type ShapeNode } from './event-shape';
import { looksLikePlaceholder } from './identity';

/** Most shapes that are kept of one type. */
const SHAPES_A_TYPE_MAX = 8;
/** Most types of which shapes are kept. */
const TYPES_MAX = 128;
const TILDE = 126;

/** Shapes of one type under one plan; those that fit often come to stand in front. */
interface TypeShapes {
  readonly plan: FieldPlan;
  readonly shapes: EventShape[];
  readonly credit: LearningCredit;
}

/**
 * The shapes of events that were met. Events of one type mostly have the same keys, and what follows from the keys alone is
 * worked out once. What is kept is bounded, and holds keys but no values.
 */
export class KnownShapes {
  /** Values of the event that was matched last, until {@link KnownShapes.forget}. */
  readonly values: unknown[] = new Array<unknown>(SHAPE_LEAVES_MAX).fill(undefined);
  private readonly types = new Map<string, TypeShapes>();
  private count = 0;
  /** Up to here there are values, of shapes that were tried and did not fit as well. */
  private filled = 0;

  /**
   * The shape of an event, whose values are in {@link KnownShapes.values} then. Undefined when none that is known fits, or
   * when a text in an open field reads as one of our placeholders; an unknown shape is taken up for the next event.
   */
  match(event: ProtegoEvent, plan: FieldPlan): EventShape | undefined {
    const known = this.knownOf(event.type, plan);
    const { shapes } = known;
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i] as EventShape;
      this.count = 0;
      const fits = this.read(shape.root, event);
      if (this.count > this.filled) this.filled = this.count;
      if (!fits) continue;
      if (i > 0) [shapes[i - 1], shapes[i]] = [shape, shapes[i - 1] as EventShape];
      known.credit.hit();
      return this.holdsPlaceholder(shape) ? undefined : shape;
    }
    if (known.credit.miss()) learn(known, event);
    return undefined;
  }

  /** Drops the values of the event that was matched last. */
  forget(): void {
    for (let at = 0; at < this.filled; at++) this.values[at] = undefined;
    this.filled = 0;
  }

  private knownOf(type: string, plan: FieldPlan): TypeShapes {
    const known = this.types.get(type);
    if (known !== undefined && known.plan === plan) return known;
    if (this.types.size >= TYPES_MAX) this.types.clear();
    const fresh: TypeShapes = { plan, shapes: [], credit: new LearningCredit() };
    this.types.set(type, fresh);
    return fresh;
  }

  private read({ keys, below }: ShapeNode, object: object): boolean {
    // Only then does `for … in` meet an object's own members alone: what was added to the prototype itself fits no shape.
    if (Object.getPrototypeOf(object) !== Object.prototype) return false;
    let i = 0;
    for (const key in object) {
      if (key !== keys[i]) return false;
      const value = (object as Readonly<Record<string, unknown>>)[key];
      const inner = below[i++];
      if (typeof value === 'object' && value !== null) {
        if (inner === undefined || !this.read(inner, value)) return false;
      } else if (inner !== undefined || value === undefined) return false;
      else this.values[this.count++] = value;
    }
    return i === keys.length;
  }

  private holdsPlaceholder({ open }: EventShape): boolean {
    for (const at of open) {
      const value = this.values[at];
      if (typeof value === 'string' && value.charCodeAt(0) === TILDE && looksLikePlaceholder(value)) return true;
    }
    return false;
  }
}

function learn(known: TypeShapes, event: ProtegoEvent): void {
  const shape = shapeOf(event, known.plan);
  if (shape === undefined) return;
  if (known.shapes.length >= SHAPES_A_TYPE_MAX) known.shapes.pop();
  known.shapes.push(shape);
}
