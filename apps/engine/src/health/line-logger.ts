import type { LoggerService } from '@nestjs/common';

/** Contexts under which the framework tells how it wires itself up. */
const FRAMEWORK = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
]);

/** Log of the engine: one plain line a message on standard error, so that standard output stays for programs. */
export class LineLogger implements LoggerService {
  log(message: unknown, context?: string): void {
    if (context === undefined || !FRAMEWORK.has(context)) this.#write('info', message, context);
  }

  warn(message: unknown, context?: string): void {
    this.#write('warning', message, context);
  }

  error(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    this.#write('error', message, typeof context === 'string' ? context : undefined);
  }

  #write(level: string, message: unknown, context: string | undefined): void {
    process.stderr.write(`${level}: ${context ?? 'engine'}: ${String(message)}\n`);
  }
}
