// EventEmitter, with the events of a class and what their listeners get. Events that the class does
// not know may be used, too, as users of `ws` do.

import { EventEmitter } from 'node:events';

/** An event of any name, and its listener. */
type Any = Parameters<EventEmitter['on']>;

type Listener<This, Args> = (this: This, ...args: Extract<Args, unknown[]>) => void;

/** An EventEmitter with these events: names, and the arguments of their listeners. */
export interface TypedEmitter<Events> extends EventEmitter {
  on<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  on(...any: Any): this;
  once<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  once(...any: Any): this;
  off<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  off(...any: Any): this;
  addListener<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  addListener(...any: Any): this;
  removeListener<Name extends keyof Events>(
    event: Name,
    listener: Listener<this, Events[Name]>,
  ): this;
  removeListener(...any: Any): this;
}

/** The class EventEmitter, for classes to extend. */
export const Emitter = EventEmitter as new <Events>() => TypedEmitter<Events>;
