"""Measuring a model: protocols, their rows, summaries and reports.

    clips --protocol(bench)--> rows --summary--> report.json --pages--> report.html

measuring/   what happens to one clip
  clips, settings      the clips and stills of a folder; what a user chooses       EvaluationClip, Settings
  panel, look, scores  which metrics can be computed here, what they see, numbers  Panel, Look, ClipScores
  rows, workbench      results that survive; the loop over them                    Row, Store, Bench
  summary, compare     rows to means and spreads; is a difference more than noise  Summary, Comparison
protocols/   reconstruction, transfer, freeview, canonical, occlusion, ablation; run does one for the command line
codecs/      the comparison with video codecs
reports/     pages of tables, plots and pictures; the paper's tables               Page

Goes in: weights and clips. Comes out: a report, as numbers and as a page. Only cli imports it.
"""
