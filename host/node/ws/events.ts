// 'open', 'message', 'close', 'error' of an EventEmitter → the events of an EventTarget. WHATWG
// HTML, "The WebSocket interface"; DOM 2.7.

import type { EventEmitter } from 'node:events';
import type { WebSocket } from './websocket.js';

/** What a listener of the EventTarget side gets. */
export class Event {
  constructor(
    readonly type: string,
    readonly target: WebSocket,
  ) {}
}

/** A message: text is a string, other data as `binaryType` says. */
export class MessageEvent extends Event {
  constructor(
    target: WebSocket,
    readonly data: string | Buffer | ArrayBuffer | Buffer[] | Blob,
  ) {
    super('message', target);
  }
}

/** The end of a connection. */
export class CloseEvent extends Event {
  constructor(
    target: WebSocket,
    readonly code: number,
    readonly reason: string,
    /** Whether both Close frames were seen. RFC 6455 7.1.4. */
    readonly wasClean: boolean,
  ) {
    super('close', target);
  }
}

/** What went wrong. */
export class ErrorEvent extends Event {
  readonly message: string;

  constructor(
    target: WebSocket,
    readonly error: Error,
  ) {
    super('error', target);
    this.message = error.message;
  }
}

/** Events of the EventTarget side, by their names. */
export interface WebSocketEventMap {
  open: Event;
  message: MessageEvent;
  close: CloseEvent;
  error: ErrorEvent;
}

export type EventName = keyof WebSocketEventMap;

/** A function, or an object with a method for all events. */
export type EventListener<Name extends EventName = EventName> =
  | ((this: WebSocket, event: WebSocketEventMap[Name]) => void)
  | { handleEvent(event: WebSocketEventMap[Name]): void };

export interface EventListenerOptions {
  /** Whether the listener is removed once it was called. */
  once?: boolean | undefined;
}

/** What an EventEmitter's listener gets → the event. */
const MAKERS: Record<EventName, (ws: WebSocket, first: unknown, second: unknown) => Event> = {
  open: (ws) => new Event('open', ws),
  message: (ws, data, isBinary) => new MessageEvent(ws, isBinary ? (data as Buffer) : String(data)),
  close: (ws, code, reason) => new CloseEvent(ws, code as number, String(reason), ws._clean),
  error: (ws, error) => new ErrorEvent(ws, error as Error),
};

const HANDLER = Symbol('handler');
const ATTRIBUTE = Symbol('attribute');

/** A listener of the EventEmitter that stands for one of the EventTarget. */
interface Standing {
  (this: WebSocket, first: unknown, second: unknown): void;
  [HANDLER]: EventListener;
  /** Whether it was set as `onmessage` and the like. */
  [ATTRIBUTE]: boolean;
}

/** Whether it is an event that the EventTarget side has. */
export function isEventName(type: string): type is EventName {
  return Object.hasOwn(MAKERS, type);
}

/** Adds a listener, unless it is there. DOM 2.7, "add an event listener". */
export function addHandler(
  ws: WebSocket,
  type: EventName,
  handler: EventListener,
  once: boolean,
): void {
  if (!standing(ws, type, (one) => !one[ATTRIBUTE] && one[HANDLER] === handler)) {
    add(ws, type, handler, once, false);
  }
}

/** Removes a listener that `addHandler` added. */
export function removeHandler(ws: WebSocket, type: EventName, handler: EventListener): void {
  const found = standing(ws, type, (one) => !one[ATTRIBUTE] && one[HANDLER] === handler);
  if (found) ws.removeListener(type, found);
}

/** What `onmessage` and the like hold. */
export function getAttribute(ws: WebSocket, type: EventName): EventListener | null {
  return standing(ws, type, (one) => one[ATTRIBUTE])?.[HANDLER] ?? null;
}

/** Sets `onmessage` and the like; what is no function clears it. */
export function setAttribute(ws: WebSocket, type: EventName, handler: unknown): void {
  const found = standing(ws, type, (one) => one[ATTRIBUTE]);
  if (found) ws.removeListener(type, found);
  if (typeof handler === 'function') add(ws, type, handler as EventListener, false, true);
}

function add(
  ws: WebSocket,
  type: EventName,
  handler: EventListener,
  once: boolean,
  attribute: boolean,
): void {
  const make = MAKERS[type];
  const listener = function (this: WebSocket, first: unknown, second: unknown) {
    const event = make(this, first, second) as never;
    if (typeof handler === 'function') handler.call(this, event);
    else handler.handleEvent(event);
  };
  const made: Standing = Object.assign(listener, { [HANDLER]: handler, [ATTRIBUTE]: attribute });
  if (once) (ws as EventEmitter).once(type, made);
  else (ws as EventEmitter).on(type, made);
}

/** The first listener that stands for one of the EventTarget side, of those that `picks` picks. */
function standing(
  ws: WebSocket,
  type: EventName,
  picks: (one: Standing) => boolean,
): Standing | undefined {
  const all = ws.listeners(type) as Partial<Standing>[];
  return all.find((one): one is Standing => one[HANDLER] !== undefined && picks(one as Standing));
}
