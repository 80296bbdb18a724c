"""Measuring a model: protocols, their rows, summaries and reports.

    clips --protocol(bench)--> rows --summary--> report.json --pages--> report.html

clips          the clips and stills of a folder                       EvaluationClip
settings       what a user chooses                                    Settings
panel          which metrics can be computed here, and why not        Panel
look, scores   what metrics see in pictures; one clip's numbers       Look, ClipScores
rows, bench    results that survive; the loop over them               Row, Store, Bench
reconstruction, transfer, freeview, canonical, occlusion, ablation    the protocols
summary        rows to means, spreads and pooled numbers              Summary
bootstrap      is a difference more than noise                        compare
published      the paper's tables
page, svg      a self-contained page of tables, plots, pictures       Page
run            all of it, for the command line                        evaluate

Goes in: weights and clips. Comes out: a report, as numbers and as a page. Only cli imports it.
"""
