"""What training minimises: one file per term of the paper, unweighted; total.py weighs and adds them."""
