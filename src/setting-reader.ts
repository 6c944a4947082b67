import { isIP } from "node:net";
import { isGiven, prepareEnvironment } from "./environment.ts";
import type { Environment } from "./environment.ts";

/** One setting, as it is documented. */
export interface Setting {
  readonly default: string;
  readonly description: string;
  /** Whether it can also be read from the file that <name>_FILE names. */
  readonly secret?: true;
}

export interface ReaderOptions {
  /** Whether somebody has looked for names that are nearly a setting's already. */
  readonly namesChecked: boolean;
}

/** Reads one setting at a time and collects what is wrong; the value of a wrong one is never used. Values are not repeated: some are secrets. */
export class SettingReader<Name extends string> {
  readonly faults: string[];
  readonly #settings: Readonly<Record<Name, Setting>>;
  readonly #env: Environment;

  constructor(settings: Readonly<Record<Name, Setting>>, env: Environment, { namesChecked }: ReaderOptions) {
    const secrets = Object.entries<Setting>(settings).flatMap(([name, { secret }]) => (secret === true ? [name] : []));
    const { values, faults } = prepareEnvironment(env, { settings: Object.keys(settings), secrets }, { namesChecked });
    this.#settings = settings;
    this.#env = values;
    this.faults = [...faults];
  }

  fault(name: Name, problem: string): void {
    this.faults.push(`${name} ${problem}`);
  }

  given(name: Name): boolean {
    return isGiven(this.#env, name);
  }

  text(name: Name): string {
    return this.given(name) ? (this.#env[name] ?? "").trim() : this.#settings[name].default;
  }

  /** Where a secret was read from; null where it was given itself, or not at all. */
  fileOf(name: Name): string | null {
    const file = this.#env[`${name}_FILE`]?.trim() ?? "";
    return file === "" ? null : file;
  }

  host(name: Name): string {
    const host = this.text(name);
    if (isIP(host) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host))
      this.fault(name, "has to be an IP address or a host name");
    return host;
  }

  integer(name: Name, min: number, max: number): number {
    const text = this.text(name);
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) this.fault(name, `has to be a whole number, ${min} to ${max}`);
    return value;
  }

  /** A number from 0 to 1. */
  share(name: Name): number {
    const text = this.text(name);
    const value = /^\d(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= 1)) this.fault(name, "has to be a number, 0 to 1");
    return value;
  }

  /** Names of headers with their values, in which what would part them is percent-encoded. */
  pairs(name: Name): Readonly<Record<string, string>> {
    const pairs = this.#list(name).map((pair) => /^([\w-]+)\s*=\s*([!-~](?:[ -~]*[!-~])?)$/.exec(pair));
    if (pairs.includes(null)) this.fault(name, "has to be name=value, with commas between");
    return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", decoded(pair?.[2] ?? "")]));
  }

  oneOf<T extends string>(name: Name, values: readonly T[]): T {
    const text = this.text(name);
    const [first] = values;
    const found = values.find((value) => value === text) ?? first;
    if (found === undefined) throw new Error(`${name} has no values`);
    if (found !== text) this.fault(name, `has to be one of ${values.join(", ")}`);
    return found;
  }

  url(name: Name, protocols: readonly string[]): URL | null {
    if (!this.given(name)) return null;
    const url = URL.canParse(this.text(name)) ? new URL(this.text(name)) : null;
    if (url !== null && protocols.includes(url.protocol)) return url;
    this.fault(
      name,
      `has to be an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
    );
    return null;
  }

  origins(name: Name): readonly string[] {
    const origins = this.#list(name);
    for (const origin of origins) {
      if (!URL.canParse(origin) || new URL(origin).origin !== origin)
        this.fault(
          name,
          `has to be origins such as https://shop.example, with commas between and nothing after the host`,
        );
    }
    return origins;
  }

  networks(name: Name): readonly string[] {
    const networks = this.#list(name);
    for (const network of networks) {
      const [address = "", bits, ...rest] = network.split("/");
      const bitsMax = isIP(address) === 6 ? 128 : 32;
      const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
      if (isIP(address) === 0 || !isPrefix || rest.length > 0)
        this.fault(name, "has to be IP addresses or networks such as 10.0.0.0/8, with commas between");
    }
    return networks;
  }

  #list(name: Name): readonly string[] {
    return this.text(name)
      .split(",")
      .flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
  }

  /** Whether all are given; some but not all is a fault. */
  allOrNone(...names: readonly Name[]): boolean {
    const missing = names.filter((name) => !this.given(name));
    if (missing.length === 0) return true;
    if (missing.length < names.length)
      for (const name of missing) this.fault(name, `is missing: ${names.join(" and ")} go together`);
    return false;
  }
}

/** As it is where it is not percent-encoded as a whole: a value may hold a %. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
