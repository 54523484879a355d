// Counts and prints what passed and what did not.
export class Stop extends Error {}

export class Report {
  passed = 0;
  failed = 0;
  pages = 0;

  /** One step of a journey. The journey ends with a step that fails. */
  async step(name, work) {
    const start = Date.now();
    try {
      const result = await work();
      this.passed += 1;
      console.log(`ok      ${name} (${Date.now() - start} ms)`);
      return result;
    } catch (error) {
      this.#fail(name, error.message);
      throw new Stop(name);
    }
  }

  /** A page that was looked over, and what was found. */
  page(name, address, found) {
    this.pages += 1;
    if (found.length === 0) this.passed += 1;
    else this.#fail(`page ${name}`, `${address}\n${found.join("\n")}`);
  }

  async journey(name, work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Stop)) this.#fail(name, error.stack);
    }
  }

  end(seconds) {
    console.log(`\n${this.pages} pages looked over, ${seconds} s`);
    console.log(`${this.passed} browser checks passed, ${this.failed} failed`);
    return this.failed === 0 ? 0 : 1;
  }

  #fail(name, reason) {
    this.failed += 1;
    const plain = reason.replaceAll(/\u001b\[\d+m/g, "").trimEnd();
    console.log(`FAILED  ${name}\n        ${plain.replaceAll("\n", "\n        ")}`);
  }
}
