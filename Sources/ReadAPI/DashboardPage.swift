/// `/`: the recent bulks with live bars. One page, nothing fetched from elsewhere.
enum DashboardPage {
    static let html = Array(text.utf8)

    private static let text = #"""
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Headway</title>
        <style>
        :root { color-scheme: light dark; --line: light-dark(#e3e6ea, #2c3138); --soft: light-dark(#5b6470, #9aa4b1);
          --done: light-dark(#2f7d4f, #4fae78); --bad: light-dark(#b3372b, #e2695c); --card: light-dark(#fff, #181b20); }
        body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 46rem; padding: 2rem 1rem;
          background: light-dark(#f6f7f9, #101216); }
        h1 { font-size: 1.25rem; margin: 0 0 1rem; display: flex; justify-content: space-between; }
        #line { font-size: .85rem; font-weight: normal; color: var(--soft); }
        article { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem;
          margin-bottom: .7rem; }
        header { display: flex; justify-content: space-between; gap: 1rem; }
        header b { overflow-wrap: anywhere; }
        .text { font-variant-numeric: tabular-nums; white-space: nowrap; }
        .bar { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; margin: .5rem 0 .4rem; }
        .bar i { display: block; height: 100%; width: 0; background: var(--done); transition: width .3s; }
        .bar.bad i { background: linear-gradient(90deg, var(--done), var(--bad)); }
        small { color: var(--soft); }
        small .bad { color: var(--bad); }
        ul { list-style: none; margin: .4rem 0 0; padding: 0; font-size: .85rem; color: var(--soft); }
        li { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
        </style>
        <h1>Headway <span id="line">connecting …</span></h1>
        <main id="bulks"></main>
        <script>
        "use strict";
        const list = document.getElementById("bulks"), line = document.getElementById("line"), cards = new Map();
        let source = null, followed = "";

        function element(name, className, parent) {
          const made = document.createElement(name);
          if (className) made.className = className;
          parent.append(made);
          return made;
        }
        function card(id) {
          if (cards.has(id)) return cards.get(id);
          const root = element("article", "", list), head = element("header", "", root);
          const made = { root, name: element("b", "", head), text: element("span", "text", head) };
          made.bar = element("div", "bar", root);
          made.fill = element("i", "", made.bar);
          made.note = element("small", "", root);
          made.jobs = element("ul", "", root);
          made.name.textContent = id;
          cards.set(id, made);
          return made;
        }
        function show(bulk) {
          const it = card(bulk.id), counts = bulk.counts, notes = [bulk.phase, bulk.percent + " %"];
          for (const key of ["running", "queued", "cancelled"]) if (counts[key]) notes.push(counts[key] + " " + key);
          if (bulk.health.stalled) notes.push(bulk.health.stalled + " stalled");
          if (bulk.stale) notes.push("out of date");
          it.text.textContent = bulk.text;
          it.fill.style.width = bulk.percent + "%";
          it.bar.classList.toggle("bad", counts.failed > 0);
          it.note.textContent = notes.join(" · ");
          if (counts.failed) element("span", "bad", it.note).textContent = " · " + counts.failed + " failed";
          if (!bulk.current) return;
          it.jobs.replaceChildren();
          for (const job of bulk.current.slice(0, 4)) {
            const words = [job.id, job.percent + " %", job.message || (job.stage && job.stage.label)];
            element("li", "", it.jobs).textContent = words.filter(Boolean).join("  ");
          }
        }
        function follow(ids) {
          const wanted = ids.map(encodeURIComponent).join(",");
          if (wanted === followed && source && source.readyState !== 2) return;
          followed = wanted;
          if (source) source.close();
          if (!wanted) return;
          source = new EventSource("/v1/stream?bulks=" + wanted);
          source.addEventListener("open", () => { line.textContent = "live"; });
          source.addEventListener("error", () => { line.textContent = "reconnecting …"; });
          source.addEventListener("bulk", event => show(JSON.parse(event.data)));
        }
        async function refresh() {
          try {
            const page = await (await fetch("/v1/bulks?limit=20")).json();
            const ids = page.bulks.map(bulk => bulk.id);
            for (const [id, it] of cards) if (!ids.includes(id)) { it.root.remove(); cards.delete(id); }
            for (const bulk of page.bulks) { if (!cards.has(bulk.id)) show(bulk); list.append(card(bulk.id).root); }
            if (!ids.length) line.textContent = "no bulks yet";
            follow(page.bulks.filter(bulk => bulk.phase !== "settled").map(bulk => bulk.id));
            if (ids.length && !followed) line.textContent = "all settled";
          } catch { line.textContent = "not reachable"; }
        }
        refresh();
        setInterval(refresh, 5000);
        </script>
        """#
}
