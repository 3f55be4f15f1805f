// @ts-check
// A table of which only the rows are drawn that are seen. Arrow keys, Page Up and Down, Home
// and End move from row to row; Enter opens the link of a row.
import { h } from "./dom.js";

/**
 * @typedef {object} Column
 * @property {string} id Its cells have the class c-ID.
 * @property {string} label
 * @property {boolean} [number] Its cells are at the right.
 * @property {boolean} [sorts] Its head is a button.
 * @property {(cell: HTMLElement) => void} [make] Fills a new cell.
 * @property {(cell: any, row: any) => void} show Shows a row in the cell.
 */

export class Table {
  #body; #space; #columns; #pool = /** @type {any[]} */ ([]); #rows = /** @type {any[]} */ ([]);
  #height = 0; #active = 0; #heads; #root; #frame = 0; #seen; #watch;

  /**
   * @param {HTMLElement} root
   * @param {{label: string, columns: Column[], onSort?: (id: string) => void, onSeen?: () => void}} options
   *   onSeen is called when other rows may be seen.
   */
  constructor(root, { label, columns, onSort, onSeen }) {
    this.#columns = columns;
    this.#seen = onSeen ?? (() => {});
    this.#heads = columns.map((c) => h("div", { role: "columnheader", class: `c-${c.id}${c.number ? " n" : ""}` },
      c.sorts && onSort ? h("button", { type: "button", onclick: () => onSort(c.id) }, c.label) : c.label));
    this.#space = h("div", { class: "grid-rows", role: "presentation" });
    this.#body = h("div", { class: "grid-body", role: "rowgroup", tabindex: "0", "aria-label": label,
      onscroll: () => this.#later(), onkeydown: (/** @type {KeyboardEvent} */ e) => this.#key(e) }, this.#space);
    this.#root = h("div", { class: "grid panel", role: "table", "aria-label": label },
      h("div", { role: "rowgroup" }, h("div", { class: "grid-head", role: "row" }, ...this.#heads)), this.#body);
    root.append(this.#root);
    this.#watch = new ResizeObserver(() => {
      this.#root.style.setProperty("--gutter", `${this.#body.offsetWidth - this.#body.clientWidth}px`); // of the scrollbar
      this.#height = 0;
      this.#draw();
    });
    this.#watch.observe(this.#body);
  }

  /** rows sets what is shown, in its order. @param {any[]} rows */
  rows(rows) {
    this.#rows = rows;
    this.#root.setAttribute("aria-rowcount", rows.length + 1);
    this.#active = Math.min(this.#active, Math.max(0, rows.length - 1));
    this.#draw();
  }

  /** sorted marks the column that the rows are sorted by. @param {string} id @param {boolean} descending */
  sorted(id, descending) {
    this.#columns.forEach((c, i) => {
      if (c.sorts) this.#heads[i].setAttribute("aria-sort", c.id !== id ? "none" : descending ? "descending" : "ascending");
    });
  }

  /** seen returns the rows that are drawn. */
  seen() { return this.#pool.filter((p) => p.index >= 0).map((p) => p.row); }

  /** refresh draws rows again: those for which changed says so. @param {(row: any) => boolean} [changed] */
  refresh(changed = () => true) {
    for (const p of this.#pool) if (p.index >= 0 && changed(p.row)) this.#fill(p);
  }

  /** top scrolls to the first row. */
  top() { this.#body.scrollTop = 0; }

  /** close ends what the table observes. */
  close() { this.#watch.disconnect(); cancelAnimationFrame(this.#frame); }

  #later() { this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.#draw(); }); }

  #make() {
    const cells = this.#columns.map((c) => {
      const cell = h("div", { role: "cell", class: `c-${c.id}${c.number ? " n" : ""}` });
      c.make?.(cell);
      return cell;
    });
    const element = h("div", { class: "grid-row", role: "row" }, ...cells);
    this.#space.append(element);
    return { element, cells, index: -1, row: undefined, y: -1 };
  }

  #fill(/** @type {any} */ p) { this.#columns.forEach((c, i) => c.show(p.cells[i], p.row)); }

  #draw() {
    if (!this.#height) {
      if (!this.#pool.length) this.#pool.push(this.#make());
      this.#pool[0].element.hidden = false;
      this.#height = this.#pool[0].element.offsetHeight || 34;
      if (this.#pool[0].index < 0) this.#pool[0].element.hidden = true;
      for (const p of this.#pool) p.y = -1;
    }
    const size = this.#rows.length, height = this.#height;
    this.#space.style.height = `${size * height}px`;
    const need = Math.ceil(this.#body.clientHeight / height) + 8;
    if (this.#pool.length < need) {
      while (this.#pool.length < need) this.#pool.push(this.#make());
      for (const p of this.#pool) p.index = -1;
    }
    const count = this.#pool.length;
    const first = Math.max(0, Math.min(Math.floor(this.#body.scrollTop / height) - 4, size - count));
    let moved = false;
    for (let i = first; i < first + count; i++) {
      const p = this.#pool[i % count], row = this.#rows[i];
      if (p.index === i && p.row === row && p.y === i * height) continue;
      moved = true;
      if (p.row !== row && p.element.contains(document.activeElement)) this.#body.focus({ preventScroll: true });
      p.element.hidden = !row;
      p.index = row ? i : -1;
      p.row = row;
      if (!row) continue;
      p.y = i * height;
      p.element.style.transform = `translateY(${p.y}px)`;
      p.element.setAttribute("aria-rowindex", i + 2);
      this.#fill(p);
    }
    if (moved) this.#seen();
  }

  #key(/** @type {KeyboardEvent} */ e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const page = Math.max(1, Math.floor(this.#body.clientHeight / this.#height) - 1);
    const inside = document.activeElement !== this.#body;
    const step = { ArrowDown: inside ? 1 : 0, ArrowUp: inside ? -1 : 0, PageDown: page, PageUp: -page, Home: -this.#rows.length, End: this.#rows.length }[e.key];
    if (step === undefined || !this.#rows.length) return;
    e.preventDefault();
    this.#active = Math.max(0, Math.min(this.#rows.length - 1, this.#current() + step));
    const y = this.#active * this.#height, { scrollTop, clientHeight } = this.#body;
    if (y < scrollTop) this.#body.scrollTop = y;
    else if (y + this.#height > scrollTop + clientHeight) this.#body.scrollTop = y + this.#height - clientHeight;
    this.#draw();
    const target = this.#pool.find((p) => p.index === this.#active)?.element;
    (target?.querySelector("a, button") ?? this.#body).focus({ preventScroll: true });
  }

  // current is the row with the focus, or the one that had it last.
  #current() { return this.#pool.find((p) => p.index >= 0 && p.element.contains(document.activeElement))?.index ?? this.#active; }
}
