import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { JsMsg } from 'nats';
import { ProtegoError, isProtegoError, parseInputSubject, type ProtegoConfig } from '@protego/contracts';
import type { Bus } from '../bus/bus';
import { BUS, ENGINE_CONFIG } from '../engine.constants';
import type { RawInput } from './event-gate';
import { IntakeService, type IntakeOutcome } from './intake.service';
import { INPUT_BATCH_PATTERN, type InputVerdict } from './jetstream-input.strategy';

/** Takes batches of JetStream messages to the intake, and refused ones to the dead-letter stream. */
@Controller()
export class InputController {
  constructor(
    @Inject(ENGINE_CONFIG) private readonly config: ProtegoConfig,
    @Inject(BUS) private readonly bus: Bus,
    private readonly intake: IntakeService,
  ) {}

  /** One verdict a message: acknowledged when it is durable, known, or stored with the reason why it was refused. */
  @MessagePattern(INPUT_BATCH_PATTERN)
  async takeBatch(@Payload() messages: readonly JsMsg[]): Promise<InputVerdict[]> {
    const verdicts = new Array<InputVerdict>(messages.length).fill('redeliver');
    const inputs: RawInput[] = [];
    const places: number[] = [];
    const rejections: Promise<void>[] = [];
    messages.forEach((message, place) => {
      try {
        inputs.push(this.#inputOf(message));
        places.push(place);
      } catch (error) {
        rejections.push(this.#reject(message, error, verdicts, place));
      }
    });
    await this.intake.room(inputs.length, messages.reduce((sum, { data }) => sum + data.length, 0));
    const outcomes = await this.intake.accept(inputs);
    outcomes.forEach((outcome, i) => {
      const place = places[i] as number;
      if (outcome.kind === 'rejected') rejections.push(this.#reject(messages[place] as JsMsg, outcome.error, verdicts, place));
      else verdicts[place] = 'acknowledge';
    });
    await Promise.all(rejections);
    return verdicts;
  }

  #inputOf({ subject, data }: JsMsg): RawInput {
    const { site, family, source } = parseInputSubject(subject);
    if (site !== this.config.site) throw new ProtegoError('EVENT_SITE_FOREIGN', `subject names site \`${site}\``, { site: this.config.site });
    return { bytes: data, source, family };
  }

  async #reject(message: JsMsg, error: unknown, verdicts: InputVerdict[], place: number): Promise<void> {
    if (!isProtegoError(error)) throw error;
    const { subject, data, seq, info } = message;
    const source = subject.split('.').at(-1) ?? 'unknown';
    await this.bus.publishRejected({ subject, source, id: `${info.stream}-${seq}`, bytes: data, error });
    verdicts[place] = 'acknowledge';
  }
}

/** Outcome as it crosses the border: a seq, a duplicate, or a code. */
export function outcomeToJson(outcome: IntakeOutcome): Record<string, unknown> {
  if (outcome.kind === 'rejected') return { ...outcome.error.toJSON() };
  return outcome.kind === 'appended' ? { id: outcome.id, seq: outcome.seq } : { id: outcome.id, duplicate: true };
}
