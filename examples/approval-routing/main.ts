/**
 * Who must approve a purchase, in order: up the requester's line of managers until one may sign the amount, then the
 * functions that the category asks for. The absent are replaced by their deputies; nobody approves a request of their own.
 */
enum Reason {
  Line = 'line manager',
  Limit = 'signs the amount',
  Category = 'category',
}

interface Person {
  id: string;
  name: string;
  manager: string | null;
  /** What this person may sign alone, in whole euros. */
  limit: number;
  absent?: boolean;
  deputy?: string;
}

interface Request {
  id: string;
  requester: string;
  amount: number;
  category: string;
}

interface Input {
  people: Person[];
  /** Category to the people who must see it as well, whatever the amount. */
  categories: Record<string, string[]>;
  requests: Request[];
}

interface Step {
  approver: string;
  reason: Reason;
  insteadOf?: string;
}

class OrgChart {
  private readonly people: ReadonlyMap<string, Person>;

  constructor(people: Person[]) {
    this.people = new Map(people.map((person) => [person.id, person]));
  }

  find(id: string): Person {
    const person = this.people.get(id);
    if (!person) throw new RangeError(`Nobody has the id ${id}`);
    return person;
  }

  /** The managers above a person, the nearest first. A chart that goes round in circles is an error, not an endless loop. */
  *managersOf(id: string): Generator<Person> {
    const seen = new Set([id]);
    for (let next = this.find(id).manager; next !== null; next = this.find(next).manager) {
      if (seen.has(next)) throw new RangeError(`The managers of ${id} form a circle at ${next}`);
      seen.add(next);
      yield this.find(next);
    }
  }

  /** Follows deputies until somebody is there who isn't the requester; null when there is no such person. */
  present(person: Person, requester: string): Person | null {
    const asked = new Set<string>();
    let candidate: Person | undefined = person;
    while (candidate && !asked.has(candidate.id)) {
      if (!candidate.absent && candidate.id !== requester) return candidate;
      asked.add(candidate.id);
      candidate = candidate.deputy === undefined ? undefined : this.find(candidate.deputy);
    }
    return null;
  }
}

function route(chart: OrgChart, categories: Input['categories'], request: Request) {
  const steps: Step[] = [];
  const problems: string[] = [];

  const ask = (wanted: Person, reason: Reason) => {
    const approver = chart.present(wanted, request.requester);
    if (!approver) problems.push(`Nobody can stand in for ${wanted.name}`);
    else if (!steps.some((step) => step.approver === approver.id)) {
      steps.push({ approver: approver.id, reason, ...(approver === wanted ? {} : { insteadOf: wanted.id }) });
    }
  };

  let signed = false;
  for (const manager of chart.managersOf(request.requester)) {
    signed = manager.limit >= request.amount;
    ask(manager, signed ? Reason.Limit : Reason.Line);
    if (signed) break;
  }
  if (!signed) problems.push(`Nobody above ${request.requester} may sign ${request.amount}`);

  for (const id of categories[request.category] ?? []) ask(chart.find(id), Reason.Category);

  return { request: request.id, route: problems.length === 0 ? 'ready' : 'blocked', steps, problems };
}

export default function (input: Input) {
  const chart = new OrgChart(input.people);
  return input.requests.map((request) => {
    try {
      return route(chart, input.categories, request);
    } catch (error) {
      // One request with a broken chart above it must not hold up the others.
      if (error instanceof RangeError) return { request: request.id, route: 'blocked', steps: [], problems: [error.message] };
      throw error;
    }
  });
}
